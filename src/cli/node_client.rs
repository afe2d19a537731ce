//! The way to a node for another room of this program: the socket, the API key and the company that the options and the
//! environment name, as every verb takes them.

use super::arguments::Global;
use super::client::Client;
use super::error::CliError;
use super::output::Output;
use super::session::Session;
use crate::model::name::CompanyId;

/// A client of the agent socket, and on whose behalf it asks.
#[derive(Debug)]
pub struct NodeClient {
    client: Client,
    company: Option<CompanyId>,
}

impl NodeClient {
    /// Reads flags and environment variables, and the configuration that one of them names. Connects to nothing.
    ///
    /// # Errors
    /// [`CliError::Usage`] when a variable holds no name, or no key; [`CliError::NoSocket`] when there is nowhere to look;
    /// [`CliError::Input`] and [`CliError::Config`] when the configuration cannot be read, or is wrong.
    pub fn open(global: &Global) -> Result<Self, CliError> {
        let mut unused = Output::standard(global);
        let session = Session::open(global, &mut unused)?;
        Ok(Self { client: session.agent()?, company: session.company().cloned() })
    }

    /// The client; it shows the API key with every request, if there is one.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The company that was named, by flag or `AURORA_COMPANY`.
    #[must_use]
    pub fn company(&self) -> Option<&CompanyId> {
        self.company.as_ref()
    }
}
