//! Whose the node's files are, who may read them, and whether there is room for more.

use super::reading::{DiskReading, FileKind, FileReading, Found, Reading, quoted};
use crate::model::finding::Finding;
use crate::model::identity::Role;

/// With less than this the next rebuild of the store, which writes all of it anew, may fail.
const FREE_BYTES_LEAST: u64 = 256 << 20;

/// A journal begins a new file at least every month, and a rebuild a copy: a few are always needed.
const FREE_INODES_LEAST: u64 = 1000;

/// The finding about the key file: without it no snapshot opens but by a recovery key.
pub(super) const KEY_FILE: &str = "files.key";

const MIB: u64 = 1 << 20;

/// One finding for each file, and those about the disk.
pub(super) fn judge(reading: &Reading) -> Vec<Finding> {
    // The store directory's owner is who runs the node: everything else must be that user's, or root's where root may be.
    let owner = reading.files.iter().find_map(|file| match (file.kind, file.found) {
        (FileKind::PrivateDirectory, Some(Found::There { owner, .. })) => Some(owner),
        _ => None,
    });
    let mut findings: Vec<Finding> = reading.files.iter().filter_map(|file| judge_file(file, owner, reading)).collect();
    findings.extend(judge_disk(reading));
    findings
}

fn judge_file(file: &FileReading, node: Option<u32>, reading: &Reading) -> Option<Finding> {
    let path = quoted(&file.path);
    let Some(found) = file.found else {
        let seen = format!("{path} is not there");
        return file.needed.then(|| Finding::error(file.id, seen, missing(file, reading)));
    };
    let Found::There { owner, mode } = found else {
        let seen = format!("this user may not look at {path}");
        return Some(Finding::note(file.id, seen).advising("sudo aurora doctor"));
    };
    if let Some(node) = node.filter(|node| !is_right_owner(file.kind, owner, *node)) {
        let seen = format!("{path} belongs to uid {owner}, the node's state to uid {node}");
        return Some(Finding::error(file.id, seen, format!("chown {node} {path}")));
    }
    let excess = mode & !allowed(file.kind);
    if excess != 0 {
        let seen = format!("{path} has mode {mode:04o}: others may {} it", deed(excess));
        return Some(Finding::error(file.id, seen, format!("chmod {:04o} {path}", allowed(file.kind))));
    }
    Some(Finding::ok(file.id, format!("{path} has mode {mode:04o} and belongs to uid {owner}")))
}

/// The permissions a file may have at most.
fn allowed(kind: FileKind) -> u32 {
    match kind {
        FileKind::Config => 0o644,
        FileKind::PrivateDirectory => 0o700,
        FileKind::SocketDirectory => 0o750,
        FileKind::PrivateFile | FileKind::PrivateSocket => 0o600,
        FileKind::GroupSocket => 0o660,
    }
}

/// The configuration is usually root's, who may change it; the key file may be.
fn is_right_owner(kind: FileKind, owner: u32, node: u32) -> bool {
    let by_root = match kind {
        FileKind::Config => owner == 0,
        FileKind::PrivateDirectory
        | FileKind::SocketDirectory
        | FileKind::PrivateFile
        | FileKind::PrivateSocket
        | FileKind::GroupSocket => false,
    };
    owner == node || by_root
}

fn deed(excess: u32) -> &'static str {
    if excess & 0o022 != 0 { "change" } else { "read" }
}

fn missing(file: &FileReading, reading: &Reading) -> String {
    match file.kind {
        FileKind::PrivateSocket | FileKind::GroupSocket | FileKind::SocketDirectory => reading.restart(),
        FileKind::Config | FileKind::PrivateDirectory | FileKind::PrivateFile => {
            // Made anew it would be another node: only a copy is this one.
            match reading.config.node.role {
                Role::Lead if file.id == KEY_FILE => {
                    "aurora snapshot restore FILE --recovery-key recovery.key  # unless you have a copy of the key file"
                        .to_owned()
                }
                Role::Lead | Role::Follower => reading.bring_back(),
            }
        }
    }
}

fn judge_disk(reading: &Reading) -> Vec<Finding> {
    let state = quoted(&reading.config.node.state_dir);
    let Some(DiskReading { free_bytes, free_inodes, inodes, read_only }) = reading.disk else {
        let seen = format!("the disk of {state} cannot be asked");
        return vec![Finding::warning("disk.space", seen, format!("df -h {state}"))];
    };
    if read_only {
        let seen = format!("the disk of {state} is mounted read-only: nothing can be stored or given out");
        return vec![Finding::error(
            "disk.space",
            seen,
            format!("mount -o remount,rw \"$(df --output=target {state} | tail -1)\""),
        )];
    }
    let reserve = reading.config.audit.reserve_bytes;
    let free = free_bytes / MIB;
    let look = format!("du -xh --max-depth=1 {state} | sort -h");
    let mut findings = vec![if free_bytes < FREE_BYTES_LEAST {
        Finding::error("disk.space", format!("{free} MiB are free at {state}; a rebuild of the store may fail"), look)
    } else if free_bytes < reserve {
        let seen = format!("{free} MiB are free at {state}, less than the journal's reserve of {} MiB", reserve / MIB);
        Finding::warning("disk.space", seen, look)
    } else {
        Finding::ok("disk.space", format!("{free} MiB are free at {state}"))
    }];
    findings.push(match free_inodes {
        Some(free) if inodes > 0 && free < FREE_INODES_LEAST => {
            Finding::error("disk.inodes", format!("{free} inodes are free at {state}"), format!("df -i {state}"))
        }
        Some(free) if inodes > 0 => Finding::ok("disk.inodes", format!("{free} inodes are free at {state}")),
        Some(_) | None => Finding::ok("disk.inodes", "this file system has as many inodes as it needs"),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::super::samples::{finding, reading};
    use super::*;
    use crate::model::finding::Severity;

    fn seen_as(kind: FileKind, owner: u32, mode: u32) -> Finding {
        let mut reading = reading();
        let state = FileReading {
            id: "files.state",
            path: "/var/lib/aurora".into(),
            kind: FileKind::PrivateDirectory,
            needed: true,
            found: Some(Found::There { owner: 991, mode: 0o700 }),
        };
        let looked_at = FileReading {
            id: "files.looked-at",
            path: "/var/lib/aurora/thing".into(),
            kind,
            needed: true,
            found: Some(Found::There { owner, mode }),
        };
        reading.files = vec![state, looked_at];
        finding(&judge(&reading), "files.looked-at")
    }

    #[test]
    fn a_file_may_be_its_owners_alone_and_is_told_with_the_command_otherwise() {
        use FileKind::{Config, GroupSocket, PrivateDirectory, PrivateFile, PrivateSocket, SocketDirectory};
        let table = [
            (PrivateFile, 991, 0o600, Severity::Ok, None),
            (PrivateFile, 991, 0o400, Severity::Ok, None),
            (PrivateFile, 991, 0o644, Severity::Error, Some("chmod 0600 /var/lib/aurora/thing")),
            (PrivateFile, 991, 0o620, Severity::Error, Some("chmod 0600 /var/lib/aurora/thing")),
            (PrivateFile, 0, 0o600, Severity::Error, Some("chown 991 /var/lib/aurora/thing")),
            (PrivateFile, 1000, 0o600, Severity::Error, Some("chown 991 /var/lib/aurora/thing")),
            (PrivateDirectory, 991, 0o750, Severity::Error, Some("chmod 0700 /var/lib/aurora/thing")),
            (SocketDirectory, 991, 0o750, Severity::Ok, None),
            (SocketDirectory, 991, 0o755, Severity::Error, Some("chmod 0750 /var/lib/aurora/thing")),
            (PrivateSocket, 991, 0o660, Severity::Error, Some("chmod 0600 /var/lib/aurora/thing")),
            (GroupSocket, 991, 0o660, Severity::Ok, None),
            (GroupSocket, 991, 0o666, Severity::Error, Some("chmod 0660 /var/lib/aurora/thing")),
            (Config, 0, 0o644, Severity::Ok, None),
            (Config, 991, 0o644, Severity::Ok, None),
            (Config, 0, 0o664, Severity::Error, Some("chmod 0644 /var/lib/aurora/thing")),
            (Config, 1000, 0o644, Severity::Error, Some("chown 991 /var/lib/aurora/thing")),
        ];
        for (kind, owner, mode, severity, mend) in table {
            let found = seen_as(kind, owner, mode);
            assert_eq!((found.severity, found.mend.as_deref()), (severity, mend), "{kind:?} {owner} {mode:o}");
        }
    }

    #[test]
    fn what_the_node_needs_and_is_not_there_is_an_error_and_what_may_not_be_seen_a_note() {
        let mut reading = reading();
        let file = |needed, found| FileReading {
            id: "files.store",
            path: "/var/lib/aurora/store.redb".into(),
            kind: FileKind::PrivateFile,
            needed,
            found,
        };
        reading.files = vec![file(true, None)];
        let lost = finding(&judge(&reading), "files.store");
        assert_eq!((lost.severity, lost.mend.as_deref()), (Severity::Error, Some("aurora snapshot restore FILE")));
        reading.config.node.role = Role::Follower;
        let lost = finding(&judge(&reading), "files.store").mend.expect("a mend");
        assert!(lost.starts_with("aurora leave --without-lead --yes && aurora join TOKEN"), "{lost}");
        reading.config.node.role = Role::Lead;
        reading.files = vec![FileReading { id: KEY_FILE, ..file(true, None) }];
        assert!(finding(&judge(&reading), KEY_FILE).mend.expect("a mend").contains("--recovery-key"));
        reading.files = vec![file(false, None)];
        assert!(judge(&reading).iter().all(|finding| finding.id != "files.store"));
        reading.files = vec![file(true, Some(Found::Hidden))];
        assert_eq!(finding(&judge(&reading), "files.store").severity, Severity::Note);
    }

    #[test]
    fn a_full_disk_is_an_error_before_the_node_finds_out() {
        let disk = |free_bytes, free_inodes, read_only| {
            let mut reading = reading();
            reading.disk =
                Some(DiskReading { free_bytes, free_inodes: Some(free_inodes), inodes: 1_000_000, read_only });
            judge(&reading)
        };
        let of = |findings: &[Finding], id| finding(findings, id).severity;
        assert_eq!(of(&disk(100 << 30, 900_000, false), "disk.space"), Severity::Ok);
        assert_eq!(of(&disk(512 << 20, 900_000, false), "disk.space"), Severity::Warning, "less than the reserve");
        assert_eq!(of(&disk(10 << 20, 900_000, false), "disk.space"), Severity::Error);
        assert_eq!(of(&disk(100 << 30, 12, false), "disk.inodes"), Severity::Error);
        assert_eq!(of(&disk(100 << 30, 900_000, false), "disk.inodes"), Severity::Ok);
        let read_only = finding(&disk(100 << 30, 900_000, true), "disk.space");
        assert!(read_only.seen.contains("read-only") && read_only.severity == Severity::Error);
        let mut unknown = reading();
        unknown.disk = None;
        assert_eq!(of(&judge(&unknown), "disk.space"), Severity::Warning);
    }
}
