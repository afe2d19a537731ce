//! Percentiles.

/// The value below which so many of a hundred are; of sorted values.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
