//! Many durations in few words.

use std::time::Duration;

/// The middle, the slow end and the slowest, in milliseconds.
pub fn percentiles(mut durations: Vec<Duration>) -> String {
    durations.sort_unstable();
    let Some(last) = durations.len().checked_sub(1) else { return "nothing was measured".to_owned() };
    let at = |percent: usize| durations[last * percent / 100].as_millis();
    format!("p50 {} ms, p90 {} ms, p99 {} ms, max {} ms", at(50), at(90), at(99), at(100))
}
