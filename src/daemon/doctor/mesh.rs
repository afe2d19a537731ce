//! The clock, the certificate, and the way to the lead.

use std::time::Duration;

use super::reading::{LeadReading, NodeReading, Reading, Said, quoted};
use crate::model::finding::Finding;
use crate::model::identity::Role;
use crate::model::time::Timestamp;
use crate::transport::certificate::Validity;

/// No clock is right that is before this program was written: 2026-11-01.
const WRITTEN: Timestamp = Timestamp(1_793_491_200_000);

/// Certificates begin five minutes before they are made, and signed commands may be so old: more is a fault of the clock.
const CLOCK_WARNING_MS: u64 = 30_000;

/// Beyond this certificates of the lead, or its signatures, may be refused.
const CLOCK_ERROR_MS: u64 = 240_000;

/// A lead that was heard within this is there: the suspicion of the mesh begins at four seconds.
const HEARD_WITHIN: Duration = Duration::from_secs(15);

const SET_CLOCK: &str = "timedatectl set-ntp true";

/// One finding for each.
pub(super) fn judge(reading: &Reading) -> Vec<Finding> {
    let mut findings = vec![clock(reading), certificate(reading)];
    findings.extend(lead(reading));
    findings.extend(protocol(reading));
    findings
}

fn clock(reading: &Reading) -> Finding {
    const ID: &str = "clock";
    let now = reading.now;
    if now < WRITTEN {
        return Finding::error(ID, format!("the clock says {now}, before this program was written"), SET_CLOCK);
    }
    let ahead = match &reading.node {
        NodeReading::Runs(said) => said.lead_ahead_ms,
        NodeReading::Stopped(stopped) => match stopped.last_noted.filter(|noted| *noted > now) {
            Some(noted) => {
                let seen = format!("the clock says {now}, and the store holds a change of {noted}: it was set back");
                return Finding::error(ID, seen, SET_CLOCK);
            }
            None => None,
        },
        NodeReading::Silent(_) | NodeReading::Unreadable(_) => None,
    };
    let told = |ahead: i64| {
        let direction = if ahead > 0 { "behind" } else { "ahead of" };
        format!(
            "the clock is {}.{:03} s {direction} the lead's",
            ahead.unsigned_abs() / 1000,
            ahead.unsigned_abs() % 1000
        )
    };
    match ahead {
        Some(ahead) if ahead.unsigned_abs() > CLOCK_ERROR_MS => Finding::error(ID, told(ahead), SET_CLOCK),
        Some(ahead) if ahead.unsigned_abs() > CLOCK_WARNING_MS => Finding::warning(ID, told(ahead), SET_CLOCK),
        Some(ahead) => Finding::ok(ID, told(ahead)),
        None if reading.machine.clock_synchronised == Some(false) => {
            Finding::warning(ID, format!("the clock says {now}, and nobody keeps it right"), SET_CLOCK)
        }
        None => Finding::ok(ID, format!("the clock says {now}")),
    }
}

fn certificate(reading: &Reading) -> Finding {
    const ID: &str = "certificate";
    let validity = match &reading.node {
        NodeReading::Runs(said) => said.certificate,
        NodeReading::Stopped(stopped) => {
            if stopped.lead == LeadReading::Here {
                return Finding::ok(ID, "the lead makes itself a certificate when it starts");
            }
            stopped.certificate
        }
        NodeReading::Silent(why) | NodeReading::Unreadable(why) => {
            return Finding::note(ID, format!("it cannot be looked at: {why}"));
        }
    };
    let Some(Validity { from, until }) = validity else {
        return Finding::note(ID, "it cannot be looked at before the node is unsealed");
    };
    let now = reading.now;
    if now >= until {
        let seen = format!("it ended at {until}; a follower that reaches its lead is given a new one");
        return Finding::error(ID, seen, reading.restart());
    }
    if now < from {
        return Finding::error(ID, format!("it begins at {from}, and the clock says {now}"), SET_CLOCK);
    }
    if now >= (Validity { from, until }).half_life() {
        let seen = format!("it ends at {until}, and should have been renewed at half its life");
        return Finding::warning(ID, seen, reading.restart());
    }
    Finding::ok(ID, format!("it is good until {until}"))
}

fn lead(reading: &Reading) -> Option<Finding> {
    const ID: &str = "lead";
    let found = match (&reading.node, reading.config.node.role) {
        (NodeReading::Runs(said), Role::Follower) => heard(said, reading),
        (NodeReading::Runs(_), Role::Lead) => return None,
        (NodeReading::Stopped(stopped), _) => match &stopped.lead {
            LeadReading::Here => return None,
            LeadReading::Reached(address) => Finding::ok(ID, format!("it proved itself at {address}")),
            LeadReading::Unreached(why) => Finding::error(ID, format!("no lead was reached: {why}"), way(reading)),
            LeadReading::Untried(why) => Finding::note(ID, format!("it was not dialled: {why}")),
        },
        (NodeReading::Silent(why) | NodeReading::Unreadable(why), Role::Follower) => {
            Finding::note(ID, format!("it was not dialled: {why}"))
        }
        (NodeReading::Silent(_) | NodeReading::Unreadable(_), Role::Lead) => return None,
    };
    Some(found)
}

fn heard(said: &Said, reading: &Reading) -> Finding {
    const ID: &str = "lead";
    let freshness = &said.freshness;
    match said.lead_heard {
        _ if freshness == "banned" => {
            let seen = "the lead has sent this node away, and it holds nothing any more";
            Finding::error(ID, seen, reading.stop_and_bring_back())
        }
        Some(heard) if heard <= HEARD_WITHIN => Finding::ok(ID, format!("it was heard {} s ago", heard.as_secs())),
        Some(heard) if freshness == "closed" => {
            let seen = format!("it was heard {} s ago, and copies are too old to be given out", heard.as_secs());
            Finding::error(ID, seen, way(reading))
        }
        Some(heard) => Finding::warning(ID, format!("it was heard {} s ago", heard.as_secs()), way(reading)),
        None => Finding::error(ID, "it was never heard", way(reading)),
    }
}

/// Where it is looked for, and what that takes.
fn way(reading: &Reading) -> String {
    match reading.config.mesh.leads.as_slice() {
        [] => format!(
            "aurora status  # no lead is in {}: put leads = [\"HOST:7700\"] under [mesh] and run {}",
            quoted(&reading.config_file),
            reading.restart()
        ),
        [first, ..] => match first.rsplit_once(':') {
            Some((host, port)) => format!("nc -zvu {host} {port}  # UDP must pass; on the lead: aurora doctor"),
            None => "aurora status".to_owned(),
        },
    }
}

fn protocol(reading: &Reading) -> Option<Finding> {
    const ID: &str = "mesh.protocol";
    let NodeReading::Runs(said) = &reading.node else { return None };
    if reading.config.node.role == Role::Follower {
        return None;
    }
    Some(match &said.oldest_follower {
        Some((node, version)) if *version < said.protocol => {
            let seen = format!(
                "{node} speaks version {version} of the protocol, this lead {}: nothing that came with the newer one \
                 reaches it",
                said.protocol
            );
            let mend = format!("aurora nodes show {node}  # install this version of aurora there, and start it again");
            Finding::warning(ID, seen, mend)
        }
        Some(_) => Finding::ok(ID, format!("every follower speaks version {}", said.protocol)),
        None => Finding::ok(ID, "no follower has been heard since this lead was started"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{follower, reading, said, stopped};
    use super::*;
    use crate::model::finding::Severity;

    #[test]
    fn a_clock_that_is_wrong_is_told_by_how_much_and_with_the_command() {
        let of = |ahead| {
            let mut reading = reading();
            let mut said = said();
            said.lead_ahead_ms = ahead;
            reading.node = NodeReading::Runs(Box::new(said));
            clock(&reading)
        };
        for (ahead, severity) in [
            (None, Severity::Ok),
            (Some(5), Severity::Ok),
            (Some(-29_000), Severity::Ok),
            (Some(31_000), Severity::Warning),
            (Some(-31_000), Severity::Warning),
            (Some(300_000), Severity::Error),
            (Some(i64::MIN), Severity::Error),
        ] {
            assert_eq!(of(ahead).severity, severity, "{ahead:?}");
        }
        assert_eq!(of(Some(31_500)).seen, "the clock is 31.500 s behind the lead's");
        assert_eq!(of(Some(-31_500)).seen, "the clock is 31.500 s ahead of the lead's");
        assert_eq!(of(Some(31_500)).mend.as_deref(), Some(SET_CLOCK));
    }

    #[test]
    fn a_clock_before_this_program_or_before_the_last_change_is_an_error() {
        let mut early = reading();
        early.now = Timestamp(0);
        assert_eq!(clock(&early).severity, Severity::Error);
        let mut back = reading();
        let mut stopped = stopped();
        stopped.last_noted = Some(back.now.plus(Duration::from_secs(1)));
        back.node = NodeReading::Stopped(Box::new(stopped));
        assert!(clock(&back).seen.contains("set back"), "{:?}", clock(&back));
        let mut free = reading();
        free.node = NodeReading::Silent("sealed".to_owned());
        free.machine.clock_synchronised = Some(false);
        assert_eq!(clock(&free).severity, Severity::Warning);
    }

    #[test]
    fn a_certificate_is_good_until_half_its_life_is_over() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let of = |since: u64, left: u64| {
            let mut reading = follower();
            let mut said = said();
            let (from, until) = (reading.now.minus(hours(since)), reading.now.plus(hours(left)));
            said.certificate = Some(Validity { from, until });
            reading.node = NodeReading::Runs(Box::new(said));
            certificate(&reading).severity
        };
        assert_eq!(of(1, 23), Severity::Ok);
        assert_eq!(of(13, 11), Severity::Warning);
        assert_eq!(of(24, 0), Severity::Error);
        let mut early = follower();
        let mut said = said();
        said.certificate = Some(Validity { from: early.now.plus(hours(1)), until: early.now.plus(hours(2)) });
        early.node = NodeReading::Runs(Box::new(said));
        assert_eq!(certificate(&early).mend.as_deref(), Some(SET_CLOCK));
    }

    #[test]
    fn a_lead_that_was_not_heard_is_told_by_how_long() {
        let of = |heard: Option<u64>, freshness: &str| {
            let mut reading = follower();
            let mut said = said();
            (said.lead_heard, said.freshness) = (heard.map(Duration::from_secs), freshness.to_owned());
            reading.node = NodeReading::Runs(Box::new(said));
            lead(&reading).expect("a follower has one")
        };
        assert_eq!(of(Some(1), "fresh").severity, Severity::Ok);
        assert_eq!(of(Some(60), "stale").severity, Severity::Warning);
        assert_eq!(of(Some(6000), "closed").severity, Severity::Error);
        assert_eq!(of(None, "closed").severity, Severity::Error);
        assert!(of(Some(1), "banned").seen.contains("sent this node away"));
        assert_eq!(
            of(None, "closed").mend.as_deref(),
            Some("nc -zvu lead.example 7700  # UDP must pass; on the lead: aurora doctor")
        );
        assert_eq!(lead(&reading()), None, "a lead has none");
    }

    #[test]
    fn a_lead_that_was_dialled_is_told_by_what_came_of_it() {
        let of = |reached| {
            let mut reading = follower();
            let mut stopped = stopped();
            stopped.lead = reached;
            reading.node = NodeReading::Stopped(Box::new(stopped));
            lead(&reading).map(|finding| finding.severity)
        };
        assert_eq!(of(LeadReading::Here), None);
        assert_eq!(of(LeadReading::Reached("192.0.2.1:7700".into())), Some(Severity::Ok));
        assert_eq!(of(LeadReading::Unreached("no answer".into())), Some(Severity::Error));
        assert_eq!(of(LeadReading::Untried("sealed".into())), Some(Severity::Note));
    }

    #[test]
    fn a_follower_that_was_left_behind_is_named() {
        let of = |oldest: Option<(&str, u16)>| {
            let mut reading = reading();
            let mut said = said();
            said.protocol = 6;
            said.oldest_follower = oldest.map(|(node, version)| (node.to_owned(), version));
            reading.node = NodeReading::Runs(Box::new(said));
            protocol(&reading).expect("of a lead")
        };
        assert_eq!(of(None).severity, Severity::Ok);
        assert_eq!(of(Some(("vengeance", 6))).severity, Severity::Ok);
        let behind = of(Some(("vengeance", 5)));
        assert!(behind.severity == Severity::Warning && behind.seen.starts_with("vengeance speaks version 5"));
    }
}
