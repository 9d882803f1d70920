//! What the operator allows at most, whatever a config or a run asks for.

use tidegate_model::Timeout;

/// The operator's limits. They count where a slot is given, so they hold for every config and every run, also for those
/// that are older than the limit and for runs that a person made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many runs of one repository may be active at once.
    pub runs_per_repository: u32,
    /// How many runs of one namespace may be active at once.
    pub runs_per_namespace: u32,
    /// How long one run may take.
    pub timeout: Timeout,
}

impl Limits {
    /// How many runs of a repository may be active at once when that many are asked for.
    pub fn runs(&self, asked: u32) -> u32 {
        asked.min(self.runs_per_repository)
    }

    /// How long a run may take that asks for so long.
    pub fn timeout(&self, asked: Timeout) -> Timeout {
        asked.min(self.timeout)
    }

    /// What of a config is more than the limits allow, for people. `None` when nothing is. `max_concurrent_runs` is what the
    /// config itself asks for, if it does; `timeout` is what counts for its runs.
    pub fn clamped(&self, max_concurrent_runs: Option<u32>, timeout: Timeout) -> Option<String> {
        let runs = max_concurrent_runs.filter(|asked| self.runs(*asked) != *asked);
        let runs = runs.map(|asked| format!("maxConcurrentRuns {asked} clamped to {}", self.runs(asked)));
        let granted = self.timeout(timeout);
        let time = (granted != timeout).then(|| format!("timeout {timeout} clamped to {granted}"));
        let parts: Vec<_> = runs.into_iter().chain(time).collect();
        (!parts.is_empty()).then(|| format!("{}: the operator's limits", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Timeout {
        Timeout::from_minutes(60 * hours)
    }

    #[test]
    fn what_a_config_asks_for_beyond_the_limits_is_clamped_and_named() {
        let limits = Limits { runs_per_repository: 3, runs_per_namespace: 9, timeout: hours(6) };
        assert_eq!((limits.runs(1000), limits.runs(3), limits.runs(1)), (3, 3, 1));
        assert_eq!((limits.timeout(hours(168)), limits.timeout(hours(1))), (hours(6), hours(1)));
        assert_eq!(limits.clamped(Some(3), hours(6)), None);
        assert_eq!(limits.clamped(None, hours(1)), None);
        let both = "maxConcurrentRuns 1000 clamped to 3, timeout 168h clamped to 6h: the operator's limits";
        assert_eq!(limits.clamped(Some(1000), hours(168)).as_deref(), Some(both));
        let time = "timeout 7h clamped to 6h: the operator's limits";
        assert_eq!(limits.clamped(None, hours(7)).as_deref(), Some(time));
    }
}
