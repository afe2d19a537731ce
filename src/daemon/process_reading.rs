//! What this process uses, in the kernel's words. What cannot be read is told as nothing.

use std::fs;

use rustix::process::{Resource, getrlimit};

use crate::metrics::readings::ProcessReading;

/// `utime` and `stime` are the twelfth and thirteenth word behind the program's name in `/proc/self/stat` (proc(5)).
const UTIME: usize = 11;

/// Reads it.
pub(super) fn process_reading() -> ProcessReading {
    let page = u64::try_from(rustix::param::page_size()).unwrap_or_default();
    ProcessReading {
        resident_bytes: resident_pages().unwrap_or_default().saturating_mul(page),
        open_descriptors: fs::read_dir("/proc/self/fd")
            .map_or(0, |entries| u64::try_from(entries.count()).unwrap_or(0)),
        descriptors_max: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        cpu_seconds: cpu_seconds().unwrap_or_default(),
    }
}

fn resident_pages() -> Option<u64> {
    fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in parentheses and may hold anything.
    let (_, words) = stat.rsplit_once(") ")?;
    let ticks = words.split(' ').skip(UTIME).take(2).map(|word| word.parse::<u32>().ok());
    let ticks = ticks.sum::<Option<u32>>()?;
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    Some(f64::from(ticks) / f64::from(per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_descriptors_and_a_past() {
        let reading = process_reading();
        assert!(reading.resident_bytes > 1 << 20 && reading.open_descriptors >= 3, "{reading:?}");
        assert!(reading.descriptors_max >= reading.open_descriptors && reading.cpu_seconds >= 0.0, "{reading:?}");
        assert!(cpu_seconds().is_some());
    }
}
