//! Many durations in few words.

use std::time::Duration;

/// The middle, the slow end and the slowest, in milliseconds: each the smallest that so many percent do not exceed.
pub fn percentiles(mut durations: Vec<Duration>) -> String {
    durations.sort_unstable();
    let count = durations.len();
    if count == 0 {
        return "nothing was measured".to_owned();
    }
    let at = |percent: usize| durations[(count * percent).div_ceil(100) - 1].as_millis();
    format!("p50 {} ms, p90 {} ms, p99 {} ms, max {} ms", at(50), at(90), at(99), at(100))
}
