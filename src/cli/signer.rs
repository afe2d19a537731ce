//! Signs what this program asks a node to do, for an agent whose commands must be signed.
//!
//! The key comes from a file that `AURORA_SIGNING_KEY_FILE` names, never from the command line; whose it is, from
//! `AURORA_AGENT`. The time is the node's own, so that the clock of whoever signs does not matter.

use std::env;
use std::fs::File;
use std::io::Read;

use serde::Deserialize;

use super::error::CliError;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::signing::SigningKey;
use crate::crypto::system_entropy::SystemEntropy;
use crate::model::name::AgentName;
use crate::model::time::{Entropy, Timestamp};
use crate::policy::signing::{Command, shown};

const KEY_FILE: &str = "AURORA_SIGNING_KEY_FILE";
const AGENT: &str = "AURORA_AGENT";

/// Longer than any key, with white space around it.
const FILE_BYTES_MAX: u64 = 4096;

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
    /// The signer that the environment names; `None` when it names none.
    ///
    /// # Errors
    /// [`CliError::Usage`] when it names half of one, [`CliError::Input`] when the key cannot be read.
    pub(super) fn of_environment() -> Result<Option<Self>, CliError> {
        let Some(path) = env::var_os(KEY_FILE).filter(|path| !path.is_empty()) else { return Ok(None) };
        let what = format!("the signing key in {}", path.to_string_lossy());
        let unreadable = |source| CliError::Input { what: what.clone(), source };
        // In one buffer that does not grow: a buffer that grows leaves a copy of the key behind.
        let mut text = Vec::with_capacity(usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX));
        let read = File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut text));
        let text = Plaintext::new(text);
        read.map_err(unreadable)?;
        let key = SigningKey::parse(&text).map_err(|error| unreadable(std::io::Error::other(error)))?;
        Ok(Some(Self { key, agent: agent()? }))
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
        let nonce: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let command = Command { method, target, body, timestamp, nonce: &nonce, agent: &self.agent };
        let mac = self.key.sign(command.text().as_bytes()).map_err(|error| unsigned(error.to_string()))?;
        Ok([
            ("x-aurora-timestamp", timestamp.to_string()),
            ("x-aurora-nonce", nonce),
            ("x-aurora-signature", shown(&mac)),
        ])
    }
}

fn agent() -> Result<AgentName, CliError> {
    let usage = |message: String| CliError::Usage {
        message,
        hint: format!("Set {AGENT} to the name of the agent whose key {KEY_FILE} is."),
    };
    let name = env::var(AGENT).map_err(|_| usage(format!("{KEY_FILE} is set and {AGENT} is not")))?;
    AgentName::parse(&name).map_err(|error| usage(format!("the environment variable {AGENT} is not usable: {error}")))
}

#[cfg(test)]
mod tests {
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
    fn the_time_of_the_node_is_read_in_whole_seconds() {
        let time = |text: &str| seconds(&NodeTime { timestamp: text.to_owned() });
        assert_eq!(time("2026-11-21T08:00:00.999Z").expect("a time"), 1_795_248_000);
        assert!(time("now").is_err());
    }
}
