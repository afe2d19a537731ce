//! The arguments of `events`.

use clap::{Args, Subcommand};

use super::arguments_subscriptions::SubscriptionVerb;
use crate::config::duration;
use crate::events::filter::TypeGlob;
use crate::model::event_kind::EventKind;
use crate::model::name::{NodeName, ServiceName};
use crate::model::time::Timestamp;

/// `aurora events …`
#[derive(Debug, Subcommand)]
pub enum EventVerb {
    /// Show each event as it happens
    #[command(after_help = "Examples:
  aurora events tail
  aurora events tail --type 'secret.*' --type node.lost
  aurora events tail --after 1200 --service openai

It goes on when the node was away, from where it was, until it is interrupted.")]
    Tail(TailArguments),
    /// List what happened, the newest first
    #[command(after_help = "Examples:
  aurora events list
  aurora events list --since 24h --type 'credential.*' --limit 500")]
    List(ListEventsArguments),
    /// Show which types of events there are, or the JSON schema of one
    #[command(after_help = "Examples:
  aurora events types
  aurora events types secret.updated")]
    Types {
        /// One type
        #[arg(value_name = "TYPE", value_parser = EventKind::parse)]
        kind: Option<EventKind>,
    },
    /// Tell something that happened, as a program would
    #[command(after_help = "Examples:
  aurora events publish workflow.completed --data '{\"workflow\":\"nightly\",\"items\":120}'
  aurora events publish data.updated --data @event.json --key 2026-11-21/17
  produce | aurora events publish system.error --data -

Nothing that looks like a credential is taken. The same --key again is the same event.")]
    Publish(PublishArguments),
    /// Who is told.
    #[command(flatten)]
    Subscriptions(SubscriptionVerb),
}

/// What is wanted.
#[derive(Debug, Args)]
pub struct EventFilterArguments {
    /// A type such as secret.updated, a family such as 'secret.*', or '*' (repeat for several)
    #[arg(long = "type", value_name = "TYPE", value_parser = TypeGlob::parse)]
    pub types: Vec<TypeGlob>,
    /// About this service
    #[arg(long, value_name = "SERVICE", value_parser = ServiceName::parse)]
    pub service: Option<ServiceName>,
    /// Told by this node, or about it
    #[arg(long, value_name = "NAME", value_parser = NodeName::parse)]
    pub node: Option<NodeName>,
}

/// `aurora events tail`
#[derive(Debug, Args)]
pub struct TailArguments {
    /// What is wanted.
    #[command(flatten)]
    pub filter: EventFilterArguments,
    /// The number of the last event that was seen; from now on if absent, from the oldest with 0
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<u64>,
    /// Stop after so many
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// `aurora events list`
#[derive(Debug, Args)]
pub struct ListEventsArguments {
    /// What is wanted.
    #[command(flatten)]
    pub filter: EventFilterArguments,
    /// None that is older: a duration such as 24h, or a time such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub limit: u64,
}

/// `aurora events publish TYPE`
#[derive(Debug, Args)]
pub struct PublishArguments {
    /// One that is for programs: aurora events types
    #[arg(value_name = "TYPE", value_parser = EventKind::parse)]
    pub kind: EventKind,
    /// What there is to say: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub data: String,
    /// By which a second try is known
    #[arg(long, value_name = "TEXT")]
    pub key: Option<String>,
}

/// A duration or a time, as the node reads it too.
fn since(text: &str) -> Result<String, &'static str> {
    let is_one = Timestamp::parse(text).is_some() || duration::parse(text).is_ok();
    if is_one {
        Ok(text.to_owned())
    } else {
        Err("write a duration such as 24h, or a time such as 2026-11-21T08:00:00Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_time_or_so_long_ago() {
        assert!(since("24h").is_ok() && since("2026-11-21T08:00:00Z").is_ok());
        assert!(since("yesterday").is_err() && since("").is_err());
    }
}
