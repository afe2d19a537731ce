//! The unit of a program that gets its credentials from a node: hardened, with a user of its own, and started only with
//! credentials that hold something.

use std::path::PathBuf;

use super::credential_id::{needs_mapping, proposed};
use super::unit_words::{CREDENTIALS_DIRECTORY, CommandError, exec_line, plain_setting};
use crate::config::node_config::CredentialName;
use crate::model::name::LocalName;
use crate::model::principal::UnitName;
use crate::model::reference::Reference;

/// The unit of the node, after which others start.
const NODE: &str = "aurora.service";

/// What follows the name of a unit that others may start after.
const KINDS: [&str; 6] = [".service", ".socket", ".target", ".mount", ".path", ".timer"];

/// The longest name of a unit is that of a file, 255 bytes; `.service` is among them.
const STEM_BYTES_MAX: usize = 255 - 8;

/// The longest name systemd can ask with: it stands with the unit in an address of Linux, which has 108 bytes; a zero byte,
/// 16 digits, `/unit/` and `/` are before and between them.
const ASKED_BYTES_MAX: usize = 107 - 1 - 16 - 6 - 1;

/// Why there can be no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentUnitError {
    /// Not a name of a service.
    #[error("{0:?} is not the name of a service: write NAME, of letters, digits and : _ . - @")]
    Name(String),
    /// The node itself.
    #[error("{NODE} is the node itself")]
    OfNode,
    /// Not a unit to start after.
    #[error("{0:?} is not a unit to start after: write NAME.service, NAME.target, …")]
    After(String),
    /// Not a credential.
    #[error("{text:?} is no credential: {why}; write [ID=]SERVICE/KEY_NAME")]
    Credential {
        /// What was written.
        text: String,
        /// What is wrong.
        why: String,
    },
    /// Two credentials of one name.
    #[error("two credentials are called {0}: give one of them another name, as ID=SERVICE/KEY_NAME")]
    Twice(String),
    /// systemd could not ask for it.
    #[error(
        "the names of {unit} and its credential {credential} are too long together: at most {ASKED_BYTES_MAX} bytes"
    )]
    TooLong {
        /// The unit.
        unit: String,
        /// The credential.
        credential: String,
    },
    /// The command cannot stand in a unit.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// One credential of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What the unit calls it, and the file it is in.
    pub name: CredentialName,
    /// Which value it is.
    pub reference: Reference,
}

impl Credential {
    /// Reads `[ID=]SERVICE/KEY_NAME[?field=…]`.
    ///
    /// # Errors
    /// [`AgentUnitError::Credential`].
    pub fn parse(text: &str) -> Result<Self, AgentUnitError> {
        let wrong = |why: String| AgentUnitError::Credential { text: text.to_owned(), why };
        let named = text.split_once('=').filter(|(name, _)| !name.contains(['/', '?']));
        let reference = Reference::parse_short(named.map_or(text, |(_, reference)| reference));
        let reference = reference.map_err(|error| wrong(error.to_string()))?;
        let name = match named {
            Some((name, _)) => CredentialName::parse(name).map_err(|why| wrong(format!("{name:?} {why}")))?,
            None => proposed(&reference).map_err(wrong)?,
        };
        Ok(Self { name, reference })
    }

    /// Whether `[credentials]` of `node.toml` must say what it is.
    #[must_use]
    pub fn needs_mapping(&self) -> bool {
        needs_mapping(&self.name, &self.reference)
    }
}

/// Reads `NAME` or `NAME.service`.
///
/// # Errors
/// [`AgentUnitError::Name`] and [`AgentUnitError::OfNode`].
pub fn service_name(text: &str) -> Result<UnitName, AgentUnitError> {
    let stem = text.strip_suffix(".service").unwrap_or(text);
    // A cgroup whose name begins so is told from a file of the kernel by another name, and a template is no unit.
    let odd = stem.starts_with(['_', '.', '-']) || stem.ends_with('@') || stem.contains('\\');
    let odd = odd || stem.contains('/') || stem.len() > STEM_BYTES_MAX;
    let name = UnitName::parse(&format!("{stem}.service")).ok().filter(|_| !odd);
    let name = name.ok_or_else(|| AgentUnitError::Name(text.to_owned()))?;
    if name.as_str() == NODE { Err(AgentUnitError::OfNode) } else { Ok(name) }
}

/// What a unit is made of.
#[derive(Debug, Clone)]
pub struct AgentUnit {
    /// What it is called.
    pub name: UnitName,
    /// What it runs, as a person writes it.
    pub command: String,
    /// What it gets.
    pub credentials: Vec<Credential>,
    /// As whom it runs; as a user that systemd makes for it if absent.
    pub user: Option<LocalName>,
    /// What it starts after, besides the node.
    pub after: Vec<String>,
    /// Whether it may make code while it runs, as Node.js and Java do.
    pub makes_code: bool,
    /// Where the node answers systemd.
    pub socket: PathBuf,
}

impl AgentUnit {
    /// The text of the unit.
    ///
    /// # Errors
    /// [`AgentUnitError`].
    pub fn text(&self) -> Result<String, AgentUnitError> {
        let start = exec_line(&self.command)?;
        self.check()?;
        let mut text = self.head();
        text.push_str("\n[Service]\n# Started once the program runs, so a credential that is refused is a start that failed.\nType=exec\n");
        text.push_str(
            "# systemd takes an answer that is cut off for an empty value: the program is not started with one. It asks anew\n\
             # for every process of a unit, so the one that becomes the program looks, and no other.\n",
        );
        let there = self.credentials.iter().map(|credential| {
            let name = credential.name.as_str();
            format!("test -s \"$${CREDENTIALS_DIRECTORY}/{name}\" && ")
        });
        let there: String = there.collect();
        text.push_str(&format!("ExecStart=/bin/sh -c '{there}exec \"$$@\"' sh {start}\n"));
        text.push_str("Restart=on-failure\nRestartSec=5\n\n");
        let socket = plain_setting(&self.socket.display().to_string());
        for Credential { name, .. } in &self.credentials {
            text.push_str(&format!("LoadCredential={}:{socket}\n", name.as_str()));
        }
        text.push('\n');
        match &self.user {
            Some(user) => text.push_str(&format!("User={user}\n")),
            None => text.push_str("# A user that is there only while the service is.\nDynamicUser=yes\n"),
        }
        text.push_str(&self.state());
        text.push_str(HARDENING);
        text.push_str(if self.makes_code { JIT } else { NO_JIT });
        text.push_str("\n[Install]\nWantedBy=multi-user.target\n");
        Ok(text)
    }

    fn check(&self) -> Result<(), AgentUnitError> {
        for (at, Credential { name, .. }) in self.credentials.iter().enumerate() {
            if self.credentials.iter().take(at).any(|before| before.name == *name) {
                return Err(AgentUnitError::Twice(name.as_str().to_owned()));
            }
            if self.name.as_str().len() + name.as_str().len() > ASKED_BYTES_MAX {
                let (unit, credential) = (self.name.to_string(), name.as_str().to_owned());
                return Err(AgentUnitError::TooLong { unit, credential });
            }
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
        let is_unit = |unit: &&String| KINDS.iter().any(|kind| unit.len() > kind.len() && unit.ends_with(kind));
        match self.after.iter().find(|unit| !is_unit(unit) || !unit.bytes().all(plain)) {
            Some(unit) => Err(AgentUnitError::After(unit.clone())),
            None => Ok(()),
        }
    }

    fn head(&self) -> String {
        let mut text = format!("# Made by: aurora service create {}\n#\n", self.stem());
        text.push_str(
            "# The program finds each credential in a file that only it can read, in memory that is never swapped:\n",
        );
        for Credential { name, reference } in &self.credentials {
            text.push_str(&format!("#   ${CREDENTIALS_DIRECTORY}/{}    {reference}\n", name.as_str()));
        }
        text.push_str("# It is read anew at every start: after a change, restart the service.\n");
        let after: Vec<&str> =
            ["network.target", NODE].into_iter().chain(self.after.iter().map(String::as_str)).collect();
        let (name, after) = (self.stem(), after.join(" "));
        text.push_str(&format!(
            "\n[Unit]\nDescription={name}, with credentials of Aurora Mesh\nWants={NODE}\nAfter={after}\n"
        ));
        text.push_str("# A credential that is refused, or a node that is not there yet, is tried again for ever.\nStartLimitIntervalSec=0\n");
        text
    }

    /// The one place it may write to, if its name can be one.
    fn state(&self) -> String {
        let stem = self.stem();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !stem.bytes().all(plain) {
            return String::new();
        }
        format!(
            "# /var/lib/{stem}: all that it may write to, but for its own /tmp.\nStateDirectory={stem}\nStateDirectoryMode=0700\n"
        )
    }

    fn stem(&self) -> &str {
        self.name.as_str().strip_suffix(".service").unwrap_or(self.name.as_str())
    }
}

/// What a program needs that calls APIs, and nothing else.
const HARDENING: &str = "UMask=0077
LimitCORE=0
MemorySwapMax=0

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateMounts=yes
DevicePolicy=closed
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
";

const NO_JIT: &str =
    "# Node.js and Java make code while they run: --makes-code leaves this out.\nMemoryDenyWriteExecute=yes\n";

const JIT: &str = "# The program makes code while it runs.\nMemoryDenyWriteExecute=no\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(text: &str) -> Credential {
        Credential::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn unit(credentials: &[&str]) -> AgentUnit {
        AgentUnit {
            name: service_name("worker").expect("a name"),
            command: "/usr/bin/python3 -m 'my worker'".to_owned(),
            credentials: credentials.iter().map(|text| credential(text)).collect(),
            user: None,
            after: Vec::new(),
            makes_code: false,
            socket: "/run/aurora/credentials.sock".into(),
        }
    }

    fn has(text: &str, line: &str) -> bool {
        text.lines().any(|found| found == line)
    }

    #[test]
    fn a_unit_loads_each_credential_and_is_not_started_with_an_empty_one() {
        let text = unit(&["openai/api_key", "db=postgres/login?field=password"]).text().expect("a unit");
        for line in [
            "LoadCredential=openai.api_key:/run/aurora/credentials.sock",
            "LoadCredential=db:/run/aurora/credentials.sock",
            "ExecStart=/bin/sh -c 'test -s \"$$CREDENTIALS_DIRECTORY/openai.api_key\" && test -s \"$$CREDENTIALS_DIRECTORY/db\" \
             && exec \"$$@\"' sh /usr/bin/python3 -m \"my worker\"",
            "After=network.target aurora.service",
            "DynamicUser=yes",
            "StateDirectory=worker",
            "MemoryDenyWriteExecute=yes",
            "#   $CREDENTIALS_DIRECTORY/db    aurora://postgres/login?field=password",
        ] {
            assert!(has(&text, line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_user_of_ones_own_and_other_units_are_named() {
        let user = Some(LocalName::parse("alice").expect("a name"));
        let after = vec!["postgresql.service".to_owned()];
        let socket = "/run/100%/credentials.sock".into();
        let text = AgentUnit { user, after, makes_code: true, socket, ..unit(&["a/b"]) }.text().expect("a unit");
        for line in [
            "User=alice",
            "After=network.target aurora.service postgresql.service",
            "MemoryDenyWriteExecute=no",
            "LoadCredential=a.b:/run/100%%/credentials.sock",
        ] {
            assert!(has(&text, line), "{line}\n{text}");
        }
        assert!(!has(&text, "DynamicUser=yes"));
    }

    #[test]
    fn a_credential_is_a_name_and_a_reference_or_the_reference_alone() {
        let table = [
            ("openai/api_key", "openai.api_key", "aurora://openai/api_key", false),
            ("key=openai/api_key", "key", "aurora://openai/api_key", true),
            ("aurora://a/b?field=c", "a.b.c", "aurora://a/b?field=c", true),
            ("x=a/b?field=c&company=acme", "x", "aurora://a/b?field=c&company=acme", true),
        ];
        for (text, name, reference, mapped) in table {
            let credential = credential(text);
            let found = (credential.name.as_str(), credential.reference.to_string(), credential.needs_mapping());
            assert_eq!(found, (name, reference.to_owned(), mapped), "{text}");
        }
        for text in ["", "openai", "a/b=c", "=a/b", "../x=a/b", "a b=a/b", "x=", "x=y=a/b"] {
            assert!(matches!(Credential::parse(text), Err(AgentUnitError::Credential { .. })), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_unit_is_refused() {
        for text in ["", ".x", "_x", "-x", "a/b", "a b", "a@", "a\\x2db", "x\n[Service]", &"x".repeat(300), "a%i"] {
            assert!(matches!(service_name(text), Err(AgentUnitError::Name(_))), "{text}");
        }
        assert_eq!(service_name("aurora"), Err(AgentUnitError::OfNode));
        assert_eq!(service_name("aurora.service"), Err(AgentUnitError::OfNode));
        assert_eq!(service_name("foo@bar.service").expect("an instance").as_str(), "foo@bar.service");

        let twice = unit(&["openai/api_key", "openai.api_key=a/b"]).text();
        assert_eq!(twice, Err(AgentUnitError::Twice("openai.api_key".to_owned())));
        let long = format!("{}/b", "a".repeat(64));
        assert!(unit(&[&long]).text().is_ok());
        let longer = format!("{}=a/b", "x".repeat(ASKED_BYTES_MAX - "worker.service".len() + 1));
        assert!(matches!(unit(&[&longer]).text(), Err(AgentUnitError::TooLong { .. })));
        for after in ["postgresql", ".service", "a b.service", "a.service\nExecStart=/bin/x"] {
            let unit = AgentUnit { after: vec![after.to_owned()], ..unit(&["a/b"]) };
            assert_eq!(unit.text(), Err(AgentUnitError::After(after.to_owned())));
        }
    }
}
