//! What the node keeps: its store and the copies of it, its journal, and the key that opens both.

use std::time::Duration;

use super::reading::{JournalReading, NodeReading, Reading, StoreSaid, quoted};
use crate::config::node_config::UnsealSource;
use crate::model::finding::Finding;
use crate::model::identity::Role;

/// A snapshot a day: `backup.stale` is told after as long.
const SNAPSHOT_FRESH: Duration = Duration::from_secs(24 * 3600);

/// A week without one is a mistake, not a delay.
const SNAPSHOT_STALE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A year: what a key sealed for longer than that, many copies and many people have seen.
const KEY_OLD: Duration = Duration::from_secs(365 * 24 * 3600);

/// OWASP's least for Argon2id with few passes is 19 MiB; what this program makes is 64 MiB and 3 passes.
const MEMORY_KIB_TODAY: u32 = 64 * 1024;

/// A restore with a recovery key is what gives a lead another passphrase or other shares.
const RECOVERY: &str = "aurora snapshot keygen recovery.key  # put what it prints into recipients of [snapshot] in node.toml, \
                        start the node again, and save a snapshot";

const SAVE: &str = "aurora snapshot save FILE && aurora snapshot verify FILE";

/// One finding for each.
pub(super) fn judge(reading: &Reading) -> Vec<Finding> {
    let mut findings = vec![node(reading)];
    if let Some(store) = reading.store() {
        findings.push(migrations(store));
        if reading.config.node.role == Role::Lead {
            findings.push(snapshot(reading, store));
            findings.extend(keys(reading, store));
        }
    }
    findings.push(journal(reading));
    findings.extend(copies(reading));
    findings.push(unseal(reading));
    findings
}

fn node(reading: &Reading) -> Finding {
    const ID: &str = "node";
    match &reading.node {
        NodeReading::Runs(said) if said.status == "healthy" => Finding::ok(ID, "it runs and is healthy"),
        NodeReading::Runs(said) if said.status == "degraded" => Finding::warning(
            ID,
            format!("it runs, and is {}: its copies are {}", said.status, said.freshness),
            "aurora status",
        ),
        NodeReading::Runs(said) => Finding::error(
            ID,
            format!("it runs, and is {}: its copies are {}", said.status, said.freshness),
            "aurora status",
        ),
        NodeReading::Silent(why) if why.contains("sealed") => {
            Finding::error(ID, format!("it runs and answers nobody: {why}"), "aurora unseal")
        }
        NodeReading::Silent(why) => {
            Finding::note(ID, format!("it did not say how it is: {why}")).advising("sudo aurora doctor")
        }
        NodeReading::Stopped(_) => Finding::warning(ID, "it does not run", reading.start()),
        NodeReading::Unreadable(why) => {
            Finding::error(ID, format!("its store cannot be opened: {why}"), open(reading, why))
        }
    }
}

/// What opens a store that this program may not, or cannot.
fn open(reading: &Reading, why: &str) -> String {
    if why.contains("migration") || why.contains("schema") {
        return "aurora --version  # run the version that is named, or a later one".to_owned();
    }
    // Also where there is none any more: the configuration, which is there, says of which mesh this node is.
    reading.bring_back()
}

fn migrations(store: &StoreSaid) -> Finding {
    let list = store.migrations.join("; ");
    Finding::ok("store.migrations", format!("{} on record: {list}", store.migrations.len()))
}

fn snapshot(reading: &Reading, store: &StoreSaid) -> Finding {
    const ID: &str = "snapshot";
    let Some(verified) = store.snapshot_verified else {
        if store.secrets == 0 {
            return Finding::note(ID, "there is no verified snapshot, and nothing to lose yet").advising(SAVE);
        }
        let seen = format!("no snapshot was ever verified: {} values exist on this disk only", store.secrets);
        return Finding::error(ID, seen, SAVE);
    };
    match reading.now.since(verified) {
        None => Finding::warning(
            ID,
            format!("the newest verified one was taken at {verified}, which is yet to come: was the clock wrong?"),
            SAVE,
        ),
        Some(age) if age <= SNAPSHOT_FRESH => {
            Finding::ok(ID, format!("the newest verified one was taken {} h ago", age.as_secs() / 3600))
        }
        Some(age) if age <= SNAPSHOT_STALE => {
            Finding::warning(ID, format!("the newest verified one was taken {} h ago", age.as_secs() / 3600), SAVE)
        }
        Some(age) => {
            Finding::error(ID, format!("the newest verified one was taken {} days ago", age.as_secs() / 86_400), SAVE)
        }
    }
}

/// Nothing rotates keys by itself but what takes access away: so this is a note.
fn keys(reading: &Reading, store: &StoreSaid) -> Option<Finding> {
    const ID: &str = "keys.age";
    let made = store.oldest_key?;
    let age = reading.now.since(made).unwrap_or_default();
    let days = age.as_secs() / 86_400;
    Some(if age > KEY_OLD {
        Finding::note(ID, format!("a scope key is {days} days old")).advising("aurora key rotate --all")
    } else {
        Finding::ok(ID, format!("the oldest scope key in use is {days} days old"))
    })
}

fn journal(reading: &Reading) -> Finding {
    const ID: &str = "journal";
    let directory = quoted(&reading.config.node.state_dir.join(super::super::AUDIT_DIR));
    if let NodeReading::Runs(said) = &reading.node
        && !said.journal_works
    {
        let seen = "the journal took the last line no more, and nothing is given out without one";
        return Finding::error(ID, seen, format!("df -h {directory}  # make room, then: {}", reading.restart()));
    }
    match &reading.journal {
        JournalReading::Holds(lines) => {
            Finding::ok(ID, format!("its chain holds over the {lines} lines that are here"))
        }
        JournalReading::Broken(place) => {
            let seen = format!("its chain does not hold: {place}");
            Finding::error(ID, seen, "aurora audit verify  # keep the files: they are evidence")
        }
        JournalReading::Unreadable(why) => {
            Finding::note(ID, format!("it cannot be read: {why}")).advising("sudo aurora doctor")
        }
        JournalReading::None => Finding::ok(ID, "no line was written yet"),
    }
}

/// The journals of the followers, on the lead.
fn copies(reading: &Reading) -> Option<Finding> {
    const ID: &str = "journal.copies";
    let NodeReading::Runs(said) = &reading.node else { return None };
    if reading.config.node.role == Role::Follower {
        return None;
    }
    let gaps: Vec<String> = said
        .journals
        .iter()
        .flat_map(|journal| journal.gaps.iter().map(move |gap| format!("{}: {gap}", journal.node)))
        .collect();
    if !gaps.is_empty() {
        return Some(Finding::error(ID, format!("lines are missing: {}", gaps.join("; ")), "aurora audit nodes"));
    }
    let behind: Vec<String> = said
        .journals
        .iter()
        .filter(|journal| journal.behind > 0)
        .map(|journal| format!("{} ({})", journal.node, journal.behind))
        .collect();
    Some(match behind.is_empty() {
        true => Finding::ok(ID, "the journals of all followers are here, as far as they say"),
        false => Finding::note(ID, format!("lines are still to come from {}", behind.join(", ")))
            .advising("aurora audit nodes"),
    })
}

fn unseal(reading: &Reading) -> Finding {
    const ID: &str = "unseal";
    let store = reading.store();
    match reading.source() {
        UnsealSource::File { path } if reading.unseal.beside_store => Finding::note(
            ID,
            format!(
                "the key file {} lies on the disk of the store: whoever has the disk has the contents",
                quoted(path)
            ),
        )
        .advising(match reading.config.node.role {
            Role::Lead => "aurora init --help  # --systemd-credential, --passphrase, --shamir: for a mesh made anew",
            Role::Follower => {
                "aurora join --help  # --systemd-credential, --passphrase, --shamir: for a node that joins anew"
            }
        }),
        UnsealSource::File { path } => Finding::ok(ID, format!("the key file {} lies on another disk", quoted(path))),
        UnsealSource::Passphrase => match store.and_then(|store| store.passphrase) {
            Some((memory, passes)) if memory < MEMORY_KIB_TODAY => {
                let seen = format!(
                    "a passphrase, whose guessing costs {} MiB and {passes} passes: less than today's",
                    memory / 1024
                );
                Finding::warning(
                    ID,
                    seen,
                    another_lock(reading, "aurora snapshot restore FILE --recovery-key recovery.key"),
                )
            }
            Some((memory, passes)) => Finding::ok(
                ID,
                format!("a passphrase, whose guessing costs {} MiB and {passes} passes each", memory / 1024),
            ),
            None => Finding::note(ID, "a passphrase, whose parameters cannot be looked at"),
        },
        UnsealSource::SystemdCredential { credential } => match (reading.unseal.chip_bound, &reading.unseal.credential)
        {
            (Some(true), _) => Finding::ok(ID, "a credential of systemd that opens with this machine's TPM only"),
            (Some(false), Some(path)) => {
                let (name, path) = (credential.as_str(), quoted(path));
                let seen = format!("the credential {path} is bound to no TPM: whoever has the disk has the contents");
                let mend = format!(
                    "systemd-creds decrypt --name={name} {path} - | systemd-creds encrypt --with-key=host+tpm2 --name={name} - {path}"
                );
                Finding::warning(ID, seen, mend)
            }
            (Some(false), None) | (None, _) => {
                Finding::note(ID, "a credential of systemd, which cannot be looked at").advising("sudo aurora doctor")
            }
        },
        UnsealSource::Shamir => match store.and_then(|store| store.shares) {
            Some((needed, shares)) if needed == shares => {
                let seen =
                    format!("all {shares} of {shares} shares are needed: one that is lost closes the node for ever");
                Finding::warning(ID, seen, another_lock(reading, "who has the recovery key needs no shares"))
            }
            Some((needed, shares)) => Finding::ok(ID, format!("{needed} of {shares} people open it")),
            None => Finding::note(ID, "shares, whose number cannot be looked at"),
        },
    }
}

/// What helps where the lock of a node is not as it should be. A snapshot opens with the same lock, and a restore keeps it: on a
/// lead only a recovery key helps. A follower joins anew.
fn another_lock(reading: &Reading, then: &str) -> String {
    match reading.config.node.role {
        Role::Lead => format!("{RECOVERY}; then: {then}"),
        Role::Follower => reading.stop_and_bring_back(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::JournalOfNode;
    use super::super::samples::{finding, follower, reading, said, stopped};
    use super::*;
    use crate::config::node_config::CredentialName;
    use crate::model::finding::Severity;

    fn with_store(change: impl FnOnce(&mut StoreSaid)) -> Reading {
        let mut reading = reading();
        let mut said = said();
        change(&mut said.store);
        reading.node = NodeReading::Runs(Box::new(said));
        reading
    }

    #[test]
    fn a_lead_without_a_verified_snapshot_of_today_says_so() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let now = reading().now;
        for (verified, secrets, severity) in [
            (None, 0, Severity::Note),
            (None, 3, Severity::Error),
            (Some(now.minus(hours(2))), 3, Severity::Ok),
            (Some(now.minus(hours(25))), 3, Severity::Warning),
            (Some(now.minus(hours(24 * 8))), 3, Severity::Error),
            (Some(now.plus(hours(1))), 3, Severity::Warning),
        ] {
            let reading = with_store(|store| (store.snapshot_verified, store.secrets) = (verified, secrets));
            let found = finding(&judge(&reading), "snapshot");
            assert_eq!(found.severity, severity, "{verified:?}");
            assert!(severity == Severity::Ok || found.mend.as_deref() == Some(SAVE));
        }
        assert!(judge(&follower()).iter().all(|finding| finding.id != "snapshot"), "a follower has none to make");
    }

    #[test]
    fn a_node_that_does_not_run_or_open_is_told_with_the_command() {
        let of = |node| {
            let mut reading = reading();
            reading.node = node;
            finding(&judge(&reading), "node")
        };
        let unreadable = |why: &str| of(NodeReading::Unreadable(why.to_owned()));
        assert_eq!(of(NodeReading::Runs(Box::new(said()))).severity, Severity::Ok);
        let stopped = of(NodeReading::Stopped(Box::new(stopped())));
        assert_eq!(stopped.mend.as_deref(), Some("systemctl enable --now aurora.service"));
        assert_eq!(of(NodeReading::Silent("the node is sealed".into())).mend.as_deref(), Some("aurora unseal"));
        assert_eq!(of(NodeReading::Silent("not for this user".into())).severity, Severity::Note);
        assert!(
            unreadable("the store has schema 9, this version knows 4")
                .mend
                .expect("mend")
                .starts_with("aurora --version")
        );
        for why in ["there is no store at /x", "the store is damaged"] {
            assert_eq!(unreadable(why).mend.as_deref(), Some("aurora snapshot restore FILE"), "{why}");
            let mut lost = follower();
            lost.node = NodeReading::Unreadable(why.to_owned());
            let mend = finding(&judge(&lost), "node").mend.expect("mend");
            assert!(mend.starts_with("aurora leave --without-lead --yes && aurora join TOKEN"), "{why}: {mend}");
        }
        let mut ill = said();
        ill.status = "unhealthy".to_owned();
        assert_eq!(of(NodeReading::Runs(Box::new(ill))).severity, Severity::Error);
    }

    #[test]
    fn a_journal_that_is_stuck_or_broken_is_an_error() {
        let of = |journal, works| {
            let mut reading = reading();
            let mut said = said();
            said.journal_works = works;
            (reading.journal, reading.node) = (journal, NodeReading::Runs(Box::new(said)));
            finding(&judge(&reading), "journal").severity
        };
        assert_eq!(of(JournalReading::Holds(9), true), Severity::Ok);
        assert_eq!(of(JournalReading::None, true), Severity::Ok);
        assert_eq!(of(JournalReading::Holds(9), false), Severity::Error);
        assert_eq!(of(JournalReading::Broken("2026-11.jsonl line 3 was altered".into()), true), Severity::Error);
        assert_eq!(of(JournalReading::Unreadable("permission denied".into()), true), Severity::Note);
    }

    #[test]
    fn gaps_in_the_journals_of_followers_are_named() {
        let of = |behind, gaps: &[&str]| {
            let mut reading = reading();
            let mut said = said();
            let gaps = gaps.iter().map(|gap| (*gap).to_owned()).collect();
            said.journals = vec![JournalOfNode { node: "vengeance".to_owned(), behind, gaps }];
            reading.node = NodeReading::Runs(Box::new(said));
            finding(&judge(&reading), "journal.copies")
        };
        assert_eq!(of(0, &[]).severity, Severity::Ok);
        assert_eq!(of(7, &[]).severity, Severity::Note);
        let missing = of(0, &["lines 4 to 6"]);
        assert_eq!(
            (missing.severity, missing.seen.as_str()),
            (Severity::Error, "lines are missing: vengeance: lines 4 to 6")
        );
    }

    #[test]
    fn every_unseal_source_is_judged_by_what_it_costs_to_get_past_it() {
        let of = |source: UnsealSource, change: fn(&mut Reading)| {
            let mut reading = reading();
            reading.config.unseal = source;
            change(&mut reading);
            finding(&judge(&reading), "unseal").severity
        };
        let file = || UnsealSource::File { path: "/var/lib/aurora/unseal.key".into() };
        let credential = || UnsealSource::SystemdCredential { credential: CredentialName::default() };
        assert_eq!(of(file(), |it| it.unseal.beside_store = true), Severity::Note);
        assert_eq!(of(file(), |it| it.unseal.beside_store = false), Severity::Ok);
        assert_eq!(of(credential(), |it| it.unseal.chip_bound = Some(true)), Severity::Ok);
        assert_eq!(of(credential(), |_| {}), Severity::Note);
        let unbound = |it: &mut Reading| {
            (it.unseal.chip_bound, it.unseal.credential) =
                (Some(false), Some("/etc/credstore.encrypted/aurora-unseal".into()));
        };
        assert_eq!(of(credential(), unbound), Severity::Warning);
        for (cost, severity) in
            [(Some((65_536, 3)), Severity::Ok), (Some((19_456, 2)), Severity::Warning), (None, Severity::Note)]
        {
            let mut reading = with_store(|store| store.passphrase = cost);
            reading.config.unseal = UnsealSource::Passphrase;
            assert_eq!(finding(&judge(&reading), "unseal").severity, severity, "{cost:?}");
        }
        for (shares, severity) in
            [(Some((3, 5)), Severity::Ok), (Some((3, 3)), Severity::Warning), (None, Severity::Note)]
        {
            let mut reading = with_store(|store| store.shares = shares);
            reading.config.unseal = UnsealSource::Shamir;
            assert_eq!(finding(&judge(&reading), "unseal").severity, severity, "{shares:?}");
        }
    }

    /// A lead with a weak passphrase was told to restore a snapshot, which keeps the passphrase, and one whose shares are all
    /// needed to save one, which needs the same shares.
    #[test]
    fn a_lock_is_mended_by_what_does_not_open_with_it() {
        let of = |source: UnsealSource, is_follower: bool| {
            let mut reading = with_store(|store| (store.passphrase, store.shares) = (Some((19_456, 2)), Some((3, 3))));
            reading.config.unseal = source;
            if is_follower {
                reading.config.node.role = Role::Follower;
            }
            finding(&judge(&reading), "unseal").mend.expect("a mend")
        };
        for source in [UnsealSource::Passphrase, UnsealSource::Shamir] {
            let lead = of(source.clone(), false);
            assert!(lead.starts_with("aurora snapshot keygen ") && lead.contains("recipients"), "{lead}");
            assert!(of(source, true).contains("aurora leave --without-lead --yes && aurora join"));
        }
    }

    #[test]
    fn old_keys_are_a_note_with_the_command_that_rotates_them() {
        let now = reading().now;
        let of = |days: u64| {
            let made = now.minus(Duration::from_secs(days * 86_400));
            finding(&judge(&with_store(|store| store.oldest_key = Some(made))), "keys.age")
        };
        assert_eq!(of(30).severity, Severity::Ok);
        assert_eq!(of(400).mend.as_deref(), Some("aurora key rotate --all"));
    }
}
