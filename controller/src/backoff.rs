//! How long to wait after failures.

use std::time::Duration;

/// The longest that a loop waits for its next try when nobody says otherwise.
pub const LONGEST: Duration = Duration::from_mins(5);

/// Two seconds, doubled with every failure up to `longest` (at most 1,024 s), and up to a quarter less by `jitter`, from 0
/// to 1.
pub fn backoff(failures: u32, longest: Duration, jitter: f64) -> Duration {
    let full = Duration::from_secs(1 << failures.clamp(1, 10)).min(longest);
    full.mul_f64(1.0 - jitter / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_takes_a_quarter_at_most() {
        let seconds = |failures, jitter| backoff(failures, LONGEST, jitter).as_secs();
        assert_eq!([0, 1, 2, 3].map(|failures| seconds(failures, 0.0)), [2, 2, 4, 8]);
        assert_eq!((seconds(u32::MAX, 0.0), seconds(2, 1.0)), (300, 3));
    }
}
