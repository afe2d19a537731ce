//! What the kernel gives a node, and how it is started.

use super::reading::{MachineReading, NodeReading, Reading, ServiceReading};
use crate::model::finding::Finding;

/// `SO_PEERPIDFD` came with Linux 6.5 (unix(7)).
const PEER_HANDLES_SINCE: (u32, u32) = (6, 5);

/// A page of keys holds 128 of them; a lead of a thousand scopes with its generations stays far below this.
const LOCKED_BYTES_LEAST: u64 = 8 << 20;

/// What a node asks the kernel for: see `transport::socket`.
const RECEIVE_BUFFER_BYTES: u64 = 16 << 20;

/// Each connection is a file, and the handle on the process that made it another; the owner's socket has as many seats again.
const FILES_OF_A_CONNECTION: u64 = 4;

/// The loopback listener, the store, the journal and the mesh come on top.
const FILES_BESIDES: u64 = 256;

/// One finding for each thing the kernel gives.
pub(super) fn judge(reading: &Reading) -> Vec<Finding> {
    let machine = &reading.machine;
    let mut findings = vec![
        peer_handles(machine),
        locked_memory(reading),
        receive_buffer(machine),
        files(reading),
        core_dumps(machine),
        swap(machine),
    ];
    findings.extend(service(reading));
    findings
}

fn peer_handles(machine: &MachineReading) -> Finding {
    const ID: &str = "kernel.peer-handles";
    match machine.kernel {
        Some(version) if version >= PEER_HANDLES_SINCE => Finding::ok(
            ID,
            format!("Linux {}.{} names callers by a handle that nobody else can be given", version.0, version.1),
        ),
        Some((major, minor)) => Finding::note(
            ID,
            format!(
                "Linux {major}.{minor} names callers by their number and start time, which the journal calls weak; 6.5 has \
                 a handle (SO_PEERPIDFD)"
            ),
        ),
        None => Finding::note(ID, "the kernel does not say its version"),
    }
}

fn locked_memory(reading: &Reading) -> Finding {
    const ID: &str = "kernel.locked-memory";
    const RAISE: &str = "mkdir -p /etc/systemd/system/aurora.service.d && printf '[Service]\\nLimitMEMLOCK=64M\\n' > /etc/systemd/system/aurora.service.d/memory.conf && systemctl daemon-reload && systemctl restart aurora";
    if let NodeReading::Runs(said) = &reading.node {
        return match said.unlocked_key_pages {
            0 => Finding::ok(ID, "every key of the running node is in memory that is never swapped"),
            pages => Finding::warning(ID, format!("{pages} pages of keys of the running node may be swapped"), RAISE),
        };
    }
    match reading.machine.locked_bytes_max {
        Some(bytes) if bytes < LOCKED_BYTES_LEAST => {
            Finding::warning(ID, format!("only {} KiB may be locked in memory (RLIMIT_MEMLOCK)", bytes >> 10), RAISE)
        }
        Some(bytes) => Finding::ok(ID, format!("{} MiB may be locked in memory", bytes >> 20)),
        None => Finding::ok(ID, "memory may be locked without bound"),
    }
}

fn receive_buffer(machine: &MachineReading) -> Finding {
    const ID: &str = "kernel.udp-buffer";
    match machine.receive_buffer_max {
        Some(bytes) if bytes < RECEIVE_BUFFER_BYTES => Finding::note(
            ID,
            format!(
                "the kernel gives a UDP socket {} KiB: a thousand followers that return at once need a minute instead of a \
                 second",
                bytes >> 10
            ),
        )
        .advising(format!("sysctl -w net.core.rmem_max={RECEIVE_BUFFER_BYTES}")),
        Some(bytes) => Finding::ok(ID, format!("the kernel gives a UDP socket {} MiB", bytes >> 20)),
        None => Finding::note(ID, "the kernel does not say how large a UDP buffer may be"),
    }
}

fn files(reading: &Reading) -> Finding {
    const ID: &str = "kernel.open-files";
    let connections = u64::try_from(reading.config.limits.connections).unwrap_or(u64::MAX);
    let wanted = connections.saturating_mul(FILES_OF_A_CONNECTION).saturating_add(FILES_BESIDES);
    match reading.machine.files_max {
        Some(most) if most < wanted => Finding::warning(
            ID,
            format!("{most} files may be open, and limits.connections alone may need {wanted}"),
            format!(
                "mkdir -p /etc/systemd/system/aurora.service.d && printf '[Service]\\nLimitNOFILE={}\\n' > \
                 /etc/systemd/system/aurora.service.d/files.conf && systemctl daemon-reload && systemctl restart aurora",
                wanted.next_power_of_two()
            ),
        ),
        Some(most) => Finding::ok(ID, format!("{most} files may be open")),
        None => Finding::ok(ID, "files may be open without bound"),
    }
}

/// The program turns dumps off by itself before it holds a secret; that this is so is seen on this process.
fn core_dumps(machine: &MachineReading) -> Finding {
    const ID: &str = "process.core-dumps";
    match machine.core_bytes_max {
        Some(0) => Finding::ok(ID, "this program leaves no core dump"),
        Some(_) | None => Finding::error(ID, "this program could leave a core dump, and keys in it", "ulimit -c 0"),
    }
}

fn swap(machine: &MachineReading) -> Finding {
    const ID: &str = "machine.swap";
    if machine.swaps.is_empty() {
        return Finding::ok(ID, "no memory is written to a swap space on a disk");
    }
    let seen = format!(
        "swap is on ({}): keys are locked in memory, but values on their way are not, and may be written there",
        machine.swaps.join(", ")
    );
    Finding::warning(ID, seen, "swapoff -a  # and take its line out of /etc/fstab, or encrypt the swap space")
}

fn service(reading: &Reading) -> Vec<Finding> {
    const ID: &str = "service.installed";
    let ServiceReading { systemd, unit, enabled, of_person, lingers } = &reading.service;
    if !systemd {
        return vec![Finding::note(
            ID,
            "systemd does not run this machine: whatever starts the node must start it again",
        )];
    }
    let Some(unit) = unit else {
        let config = super::reading::quoted(&reading.config_file);
        let mend = format!("aurora service install --create-user --config {config}");
        return vec![Finding::warning(ID, "no unit starts this node with the machine", mend)];
    };
    let name = unit.file_name().map_or_else(|| unit.display().to_string(), |name| name.to_string_lossy().into_owned());
    let user = if *of_person { " --user" } else { "" };
    let mut findings = vec![if *enabled {
        Finding::ok(ID, format!("{} is started with the machine", unit.display()))
    } else {
        let seen = format!("{} is not started with the machine", unit.display());
        Finding::warning(ID, seen, format!("systemctl{user} enable {name}"))
    }];
    if *of_person {
        findings.push(if *lingers {
            Finding::ok("service.linger", "the units of this person go on without a login")
        } else {
            let seen = "the units of this person end when they log out";
            Finding::warning("service.linger", seen, "loginctl enable-linger \"$USER\"")
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::samples::{finding, reading, said, stopped};
    use super::*;
    use crate::model::finding::Severity;

    type Change = fn(&mut MachineReading);

    fn judged(change: impl FnOnce(&mut MachineReading), id: &str) -> Finding {
        let mut reading = reading();
        // One that runs knows better what it could lock.
        reading.node = NodeReading::Stopped(Box::new(stopped()));
        change(&mut reading.machine);
        finding(&judge(&reading), id)
    }

    #[test]
    fn each_thing_the_kernel_gives_is_judged_by_itself() {
        use Severity::{Error, Note, Ok, Warning};
        let table: [(Change, &str, Severity); 14] = [
            (|_| {}, "kernel.peer-handles", Ok),
            (|it| it.kernel = Some((6, 4)), "kernel.peer-handles", Note),
            (|it| it.kernel = Some((5, 15)), "kernel.peer-handles", Note),
            (|it| it.kernel = None, "kernel.peer-handles", Note),
            (|_| {}, "kernel.locked-memory", Ok),
            (|it| it.locked_bytes_max = Some(64 << 10), "kernel.locked-memory", Warning),
            (|it| it.locked_bytes_max = None, "kernel.locked-memory", Ok),
            (|it| it.receive_buffer_max = Some(212_992), "kernel.udp-buffer", Note),
            (|it| it.receive_buffer_max = Some(16 << 20), "kernel.udp-buffer", Ok),
            (|it| it.files_max = Some(1024), "kernel.open-files", Warning),
            (|it| it.core_bytes_max = Some(1), "process.core-dumps", Error),
            (|it| it.core_bytes_max = None, "process.core-dumps", Error),
            (|it| it.swaps = vec!["/swapfile".to_owned()], "machine.swap", Warning),
            (|_| {}, "machine.swap", Ok),
        ];
        for (number, (change, id, severity)) in table.into_iter().enumerate() {
            let found = judged(change, id);
            assert_eq!(found.severity, severity, "{number}: {found:?}");
            assert!(found.severity < Warning || found.mend.is_some(), "{found:?}");
        }
    }

    #[test]
    fn a_node_that_runs_knows_better_what_it_could_lock() {
        let mut reading = reading();
        reading.machine.locked_bytes_max = Some(0);
        let mut of_node = said();
        of_node.unlocked_key_pages = 0;
        reading.node = NodeReading::Runs(Box::new(of_node.clone()));
        assert_eq!(finding(&judge(&reading), "kernel.locked-memory").severity, Severity::Ok);
        of_node.unlocked_key_pages = 3;
        reading.node = NodeReading::Runs(Box::new(of_node));
        let found = finding(&judge(&reading), "kernel.locked-memory");
        assert!(found.severity == Severity::Warning && found.mend.expect("mend").contains("LimitMEMLOCK"));
    }

    #[test]
    fn a_node_that_nothing_starts_is_told_with_the_command_that_installs_it() {
        let service = |systemd, unit: Option<&str>, enabled, of_person, lingers| {
            let mut reading = reading();
            reading.service = ServiceReading { systemd, unit: unit.map(Into::into), enabled, of_person, lingers };
            judge(&reading)
        };
        let unit = Some("/etc/systemd/system/aurora.service");
        let of = |findings: &[Finding], id| finding(findings, id);
        assert_eq!(of(&service(false, None, false, false, false), "service.installed").severity, Severity::Note);
        let none = of(&service(true, None, false, false, false), "service.installed");
        assert_eq!(none.mend.as_deref(), Some("aurora service install --create-user --config /etc/aurora/node.toml"));
        let off = of(&service(true, unit, false, false, false), "service.installed");
        assert_eq!(off.mend.as_deref(), Some("systemctl enable aurora.service"));
        assert_eq!(of(&service(true, unit, true, false, false), "service.installed").severity, Severity::Ok);
        let person = of(&service(true, unit, false, true, false), "service.installed");
        assert_eq!(person.mend.as_deref(), Some("systemctl --user enable aurora.service"));
        assert_eq!(of(&service(true, unit, true, true, false), "service.linger").severity, Severity::Warning);
        assert_eq!(of(&service(true, unit, true, true, true), "service.linger").severity, Severity::Ok);
    }
}
