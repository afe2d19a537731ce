//! Looking at the machine, in the kernel's words, and at how systemd starts the node.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::reading::{MachineReading, ServiceReading};

/// Where systemd is, if it runs this machine (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// systemd-timesyncd makes the directory when it runs, and the file once the clock is right.
const SYNCHRONISED: (&str, &str) = ("/run/systemd/timesync", "/run/systemd/timesync/synchronized");

/// Where units of the system are.
const OF_SYSTEM: [&str; 3] = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

/// A unit is a page of text; beyond this it is something else.
const UNIT_BYTES_MAX: u64 = 256 << 10;

/// Reads what the kernel says.
pub(super) fn machine() -> MachineReading {
    MachineReading {
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").ok().and_then(|text| version(&text)),
        locked_bytes_max: getrlimit(Resource::Memlock).current,
        receive_buffer_max: number("/proc/sys/net/core/rmem_max"),
        files_max: getrlimit(Resource::Nofile).maximum,
        core_bytes_max: getrlimit(Resource::Core).maximum,
        swaps: fs::read_to_string("/proc/swaps").map(|text| swaps(&text)).unwrap_or_default(),
        clock_synchronised: Path::new(SYNCHRONISED.0).exists().then(|| Path::new(SYNCHRONISED.1).exists()),
    }
}

/// Finds the unit that starts the node of this configuration.
pub(super) fn service(config_file: &Path) -> ServiceReading {
    let of_person = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/systemd/user"));
    let systemd = Path::new(BOOTED).is_dir();
    let system = OF_SYSTEM.map(PathBuf::from);
    let found = |directories: &[PathBuf]| directories.iter().find_map(|directory| unit_in(directory, config_file));
    if let Some(unit) = found(&system) {
        let enabled = is_wanted(Path::new(OF_SYSTEM[0]), &unit);
        return ServiceReading { systemd, unit: Some(unit), enabled, of_person: false, lingers: false };
    }
    let Some((directory, unit)) = of_person.and_then(|it| unit_in(&it, config_file).map(|unit| (it, unit))) else {
        return ServiceReading { systemd, ..ServiceReading::default() };
    };
    let enabled = is_wanted(&directory, &unit);
    let user = std::env::var("USER").unwrap_or_default();
    let lingers = !user.is_empty() && !user.contains('/') && Path::new("/var/lib/systemd/linger").join(user).exists();
    ServiceReading { systemd, unit: Some(unit), enabled, of_person: true, lingers }
}

fn unit_in(directory: &Path, config_file: &Path) -> Option<PathBuf> {
    let mut units: Vec<PathBuf> = fs::read_dir(directory).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    units.sort();
    units.into_iter().filter(|path| path.extension().is_some_and(|it| it == "service")).find(|path| {
        let small = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= UNIT_BYTES_MAX);
        small && fs::read_to_string(path).is_ok_and(|text| starts(&text, config_file))
    })
}

/// Whether a unit runs `aurora up` with this configuration.
fn starts(unit: &str, config_file: &Path) -> bool {
    let config = config_file.display().to_string();
    unit.lines().filter_map(|line| line.trim().strip_prefix("ExecStart=")).any(|command| {
        let words: Vec<&str> = command.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
        words.contains(&"up") && words.contains(&config.as_str())
    })
}

/// Whether a target wants the unit: a link in `*.wants` beside it.
fn is_wanted(directory: &Path, unit: &Path) -> bool {
    let Some(name) = unit.file_name() else { return false };
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let wants = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut wants = wants.filter(|path| path.extension().is_some_and(|it| it == "wants" || it == "requires"));
    wants.any(|path| path.join(name).symlink_metadata().is_ok())
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// `6.8.0-45-generic` is 6.8.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The spaces of `/proc/swaps` (proc(5)) that are on a disk: `zram` is memory.
fn swaps(text: &str) -> Vec<String> {
    let names = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| !name.starts_with("/dev/zram")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_and_its_swap_are_read_as_it_writes_them() {
        assert_eq!(version("6.8.0-45-generic\n"), Some((6, 8)));
        assert_eq!(version("5.15.153.1-microsoft-standard-WSL2"), Some((5, 15)));
        assert_eq!(version("odd"), None);
        let text =
            "Filename\tType\tSize\tUsed\tPriority\n/swapfile file 2097148 0 -2\n/dev/zram0 partition 100 0 100\n";
        assert_eq!(swaps(text), ["/swapfile"]);
        assert_eq!(swaps("Filename\n"), [""; 0]);
        let seen = machine();
        assert!(seen.kernel.is_some() && seen.files_max.is_none_or(|most| most > 0), "{seen:?}");
    }

    #[test]
    fn the_unit_of_a_configuration_is_the_one_that_starts_a_node_with_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = Path::new("/etc/aurora/node.toml");
        let write = |name: &str, command: &str| {
            std::fs::write(directory.path().join(name), format!("[Service]\nExecStart={command}\n")).expect("written");
        };
        write("a.service", "/usr/local/bin/aurora up --config /etc/aurora/other.toml");
        write("b.service", "/usr/bin/cat /etc/aurora/node.toml");
        assert_eq!(unit_in(directory.path(), config), None);
        write("c.service", "\"/usr/local/bin/aurora\" up --config \"/etc/aurora/node.toml\"");
        let unit = unit_in(directory.path(), config).expect("found");
        assert_eq!(unit.file_name().expect("a name"), "c.service");
        assert!(!is_wanted(directory.path(), &unit));
        let wants = directory.path().join("multi-user.target.wants");
        std::fs::create_dir(&wants).expect("made");
        std::os::unix::fs::symlink(&unit, wants.join("c.service")).expect("linked");
        assert!(is_wanted(directory.path(), &unit));
    }
}
