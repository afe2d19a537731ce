//! What happens between a person and a node that is being made: a passphrase is asked for, or shares are shown once.

use std::io::Write;

use anyhow::{Context, Result, anyhow};

use super::brought::Brought;
use crate::cli::arguments_node::SourceArguments;
use crate::cli::passphrase::{self, Kind};
use crate::config::node_config::{NodeConfig, UnsealSource};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::shares::{Quorum, ShareParameters};

/// Bytes of a line with a share, and some to spare: the buffer must not grow, for that would leave a copy.
const LINE_BYTES: usize = 160;

/// What the arguments ask of the person.
pub(super) enum Ceremony {
    /// Nothing.
    Unattended,
    /// A passphrase, which was given.
    Passphrase(Plaintext),
    /// To take shares.
    Quorum(Quorum),
}

impl Ceremony {
    /// Puts the source into the configuration, and asks for what it needs. The default is a key file.
    pub(super) fn begin(config: &mut NodeConfig, arguments: SourceArguments) -> Result<Self> {
        if let Some(quorum) = arguments.shamir {
            config.unseal = UnsealSource::Shamir;
            return Ok(Self::Quorum(quorum));
        }
        if let Some(credential) = arguments.systemd_credential {
            config.unseal = UnsealSource::SystemdCredential { credential };
            return Ok(Self::Unattended);
        }
        if arguments.passphrase {
            config.unseal = UnsealSource::Passphrase;
            let passphrase = passphrase::ask(Kind::New).map_err(|error| anyhow!("{error}"))?;
            return Ok(Self::Passphrase(passphrase));
        }
        Ok(Self::Unattended)
    }

    /// What the node is made with.
    pub(super) fn brought(&self) -> Option<Brought<'_>> {
        match self {
            Self::Unattended => None,
            Self::Passphrase(passphrase) => Some(Brought::Passphrase(passphrase)),
            Self::Quorum(quorum) => Some(Brought::Quorum(*quorum, &show)),
        }
    }

    /// What to do once the node is started, besides.
    pub(super) fn afterwards(&self) -> Option<String> {
        match self {
            Self::Unattended | Self::Passphrase(_) => None,
            Self::Quorum(quorum) => Some(format!(
                "It starts sealed. Then {} who hold a share each type:  aurora unseal",
                quorum.threshold()
            )),
        }
    }
}

/// Prints the shares. A reader that is gone has not seen them, so unlike elsewhere that is an error.
pub(super) fn show(parameters: &ShareParameters, shares: &[Plaintext]) -> Result<()> {
    let unseen = "the shares could not be shown, so no node was made";
    let quorum = parameters.quorum();
    let mut out = std::io::stdout().lock();
    write!(
        out,
        "The key of this node is split into {} shares; any {} of them open it. Give each to another person.\n\
         They are not shown again, and no copy is kept. All are of the set {}.\n\n",
        quorum.shares(),
        quorum.threshold(),
        parameters.set()
    )
    .context(unseen)?;
    for (at, share) in shares.iter().enumerate() {
        let mut line = Vec::with_capacity(LINE_BYTES);
        line.extend_from_slice(format!("{:>4}  ", at + 1).as_bytes());
        line.extend_from_slice(share.expose());
        line.push(b'\n');
        out.write_all(Plaintext::new(line).expose()).context(unseen)?;
    }
    out.write_all(b"\n").and_then(|()| out.flush()).context(unseen)
}
