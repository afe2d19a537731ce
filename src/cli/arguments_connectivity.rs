//! The arguments of the verbs that tell which APIs work, and which credentials should be looked at.

use std::time::Duration;

use clap::Args;

use crate::config::duration;
use crate::model::name::ServiceName;

/// `aurora connectivity [SERVICE]`
#[derive(Debug, Args)]
pub struct ConnectivityArguments {
    /// One service, such as openai; all of them if absent
    #[arg(value_name = "SERVICE", value_parser = ServiceName::parse)]
    pub service: Option<ServiceName>,
    /// Show it again every 2 s
    #[arg(long)]
    pub watch: bool,
    /// Order the nodes by how well they reach one service
    #[arg(long, value_name = "SERVICE", value_parser = ServiceName::parse, conflicts_with = "service")]
    pub best: Option<ServiceName>,
}

/// `aurora expiring --within DURATION`
#[derive(Debug, Args)]
pub struct ExpiringArguments {
    /// How far to look ahead, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30d")]
    pub within: Duration,
}

/// `aurora unused --for DURATION`
#[derive(Debug, Args)]
pub struct UnusedArguments {
    /// For how long nobody may have read them, such as 90d
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse, default_value = "90d")]
    pub span: Duration,
}
