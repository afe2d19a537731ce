//! Signs what this program asks a node to do, for an agent whose commands must be signed.
//!
//! The key comes from a file that `AURORA_SIGNING_KEY_FILE` names, never from the command line; whose it is, from
//! `AURORA_AGENT`. The time is the node's own, so that the clock of whoever signs does not matter.

use std::ffi::OsString;
use std::path::Path;

use serde::Deserialize;

use super::credentials;
use super::error::CliError;
use crate::crypto::signing::SigningKey;
use crate::crypto::system_entropy::SystemEntropy;
use crate::model::hex::hex;
use crate::model::name::AgentName;
use crate::model::time::{Entropy, Timestamp};
use crate::policy::signing::{Command, shown};

/// Names the file that holds the signing key.
pub(super) const SIGNING_KEY_FILE: &str = "AURORA_SIGNING_KEY_FILE";

/// Names the agent whose key that is.
pub(super) const AGENT: &str = "AURORA_AGENT";

const NONCE_BYTES: usize = 16;

/// Who signs.
#[derive(Debug)]
pub(super) struct Signer {
    key: SigningKey,
    agent: AgentName,
}

/// What `/health` says of the time.
#[derive(Debug, Deserialize)]
pub(super) struct NodeTime {
    timestamp: String,
}

/// The node's time, in seconds since 1970.
///
/// # Errors
/// [`CliError::Garbled`].
pub(super) fn seconds(time: &NodeTime) -> Result<i64, CliError> {
    let at = Timestamp::parse(&time.timestamp).ok_or(CliError::Garbled { what: "its time is none" })?;
    Ok(at.0.div_euclid(1000))
}

impl Signer {
    /// The signer with the key of this file, for this agent; `None` without a file.
    ///
    /// # Errors
    /// [`CliError::Usage`] for what is no key, or one of nobody, or one that others may read; [`CliError::Input`] when it
    /// cannot be read.
    pub(super) fn new(file: Option<OsString>, agent: Option<OsString>) -> Result<Option<Self>, CliError> {
        let Some(path) = file else { return Ok(None) };
        let usage = |message: String| CliError::Usage {
            message,
            hint: format!("Set {AGENT} to the name of the agent whose key is in the file {SIGNING_KEY_FILE} names."),
        };
        let name = agent.ok_or_else(|| usage(format!("{SIGNING_KEY_FILE} is set and {AGENT} is not")))?;
        let agent = AgentName::parse(&name.to_string_lossy()).map_err(|error| usage(format!("{AGENT}: {error}")))?;
        let key = SigningKey::parse(&credentials::read(Path::new(&path), SIGNING_KEY_FILE)?).map_err(|error| {
            CliError::Usage {
                message: format!("{SIGNING_KEY_FILE}: {error}"),
                hint: "A signing key begins with aurora-sign-; aurora agent signing-key makes one.".to_owned(),
            }
        })?;
        Ok(Some(Self { key, agent }))
    }

    /// The headers that sign a request made at this second.
    ///
    /// # Errors
    /// [`CliError::Input`] without randomness.
    pub(super) fn sign(
        &self,
        method: &str,
        target: &str,
        body: &[u8; 32],
        timestamp: i64,
    ) -> Result<[(&'static str, String); 3], CliError> {
        let unsigned = |error: String| CliError::Input { what: "a nonce".into(), source: std::io::Error::other(error) };
        let mut random = [0_u8; NONCE_BYTES];
        SystemEntropy.fill(&mut random).map_err(|error| unsigned(error.to_string()))?;
        let nonce = hex(&random);
        let command = Command { method, target, body, timestamp, nonce: &nonce, agent: &self.agent };
        let mac = self.key.sign(command.text().as_bytes()).map_err(|error| unsigned(error.to_string()))?;
        Ok([
            ("x-aurora-timestamp", timestamp.to_string()),
            ("x-aurora-nonce", nonce),
            ("x-aurora-signature", shown(&mac)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::crypto::digest::sha256;
    use crate::policy::signing;

    #[test]
    fn what_is_signed_is_what_a_lead_checks() {
        let key = SigningKey::generate(&SystemEntropy).expect("random bytes");
        let signer = Signer { key, agent: AgentName::parse("openclaw").expect("name") };
        let body = sha256(b"{}");
        let headers = signer.sign("POST", "/api/secrets?x=1", &body, 1_795_248_000).expect("signed");
        let [(_, timestamp), (_, nonce), (_, signature)] = &headers;
        assert!(signing::is_nonce(nonce) && signing::timestamp(timestamp) == Some(1_795_248_000));
        let agent = &signer.agent;
        let command =
            Command { method: "POST", target: "/api/secrets?x=1", body: &body, timestamp: 1_795_248_000, nonce, agent };
        let mac = signing::mac(signature).expect("a code");
        assert!(signer.key.fits(command.text().as_bytes(), &mac));
    }

    #[test]
    fn a_key_without_its_agent_or_of_another_kind_is_refused_without_repeating_it() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("key");
        let key = SigningKey::generate(&SystemEntropy).expect("random bytes").text();
        fs::write(&path, [key.expose(), b"\n"].concat()).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
        let signer = |agent: Option<&str>| Signer::new(Some(path.clone().into()), agent.map(OsString::from));
        assert_eq!(signer(Some("openclaw")).expect("good").expect("a signer").agent.as_str(), "openclaw");
        assert!(signer(None).map(drop).expect_err("of nobody").to_string().contains(AGENT));
        assert!(matches!(signer(Some("../x")), Err(CliError::Usage { .. })));
        fs::write(&path, "aurora-sign-hunter2").expect("written");
        let told = signer(Some("openclaw")).map(drop).expect_err("no key").to_string();
        assert!(told.contains(SIGNING_KEY_FILE) && !told.contains("hunter2"), "{told}");
        assert!(Signer::new(None, Some("openclaw".into())).expect("good").is_none());
    }

    #[test]
    fn the_time_of_the_node_is_read_in_whole_seconds() {
        let time = |text: &str| seconds(&NodeTime { timestamp: text.to_owned() });
        assert_eq!(time("2026-11-21T08:00:00.999Z").expect("a time"), 1_795_248_000);
        assert!(time("now").is_err());
    }
}
