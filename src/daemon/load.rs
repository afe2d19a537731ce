//! How busy this machine is.

/// The one-minute load average, in thousandths.
pub(super) fn load_milli() -> u32 {
    /// The kernel counts in units of 1/65536.
    const UNIT_BITS: u32 = 16;
    let [minute, ..] = rustix::system::sysinfo().loads;
    u32::try_from((u128::from(minute) * 1000) >> UNIT_BITS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_what_the_kernel_tells_everyone() {
        let told = std::fs::read_to_string("/proc/loadavg").expect("Linux");
        let told: f64 = told.split(' ').next().expect("a figure").parse().expect("a figure");
        let read = f64::from(load_milli()) / 1000.0;
        assert!((read - told).abs() < 1.0, "{read} and {told}");
    }
}
