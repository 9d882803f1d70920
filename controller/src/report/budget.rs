//! How fast one credential may write.

use std::time::{Duration, Instant};

/// A token bucket: in no minute more writes than it was made for, a third of them at once.
#[derive(Debug)]
pub struct Budget {
    burst: f64,
    per_second: f64,
    tokens: f64,
    counted_at: Instant,
}

impl Budget {
    /// A budget of so many writes a minute, at least one.
    pub fn per_minute(writes: u32, now: Instant) -> Self {
        let writes = f64::from(writes.max(1));
        let burst = (writes / 3.0).max(1.0);
        Self { burst, per_second: ((writes - burst) / 60.0).max(1.0 / 60.0), tokens: burst, counted_at: now }
    }

    /// Takes one write out of the budget, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        self.count(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// When the next write is allowed.
    pub fn ready_at(&self) -> Instant {
        if self.tokens >= 1.0 {
            return self.counted_at;
        }
        // A little later than exactly then, so that rounding doesn't wake anybody in vain.
        let seconds = (1.0 - self.tokens) / self.per_second;
        self.counted_at + Duration::from_secs_f64(seconds) + Duration::from_millis(1)
    }

    fn count(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.counted_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.burst);
        self.counted_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_holds_more_writes_than_allowed() {
        let start = Instant::now();
        let mut budget = Budget::per_minute(180, start);
        let mut sent = Vec::new();
        for millisecond in 0..180_000 {
            let now = start + Duration::from_millis(millisecond);
            if budget.take(now) {
                sent.push(now);
            }
        }
        let minute = Duration::from_mins(1);
        let busiest = sent
            .iter()
            .map(|from| sent.iter().filter(|at| *at >= from && **at < *from + minute).count())
            .max();
        assert!((175..=181).contains(&busiest.expect("some are sent")), "{busiest:?}");
        assert_eq!(sent.iter().filter(|at| **at == start).count(), 1, "one a call");
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let start = Instant::now();
        let mut budget = Budget::per_minute(180, start);
        let later = start + Duration::from_hours(24);
        assert_eq!(std::iter::repeat_with(|| budget.take(later)).take_while(|taken| *taken).count(), 60);
    }

    #[test]
    fn an_empty_budget_says_when_it_will_allow_the_next_write() {
        let start = Instant::now();
        let mut budget = Budget::per_minute(1, start);
        assert!(budget.take(start));
        assert!(!budget.take(start));
        let next = budget.ready_at();
        assert!(next > start + Duration::from_secs(30));
        assert!(budget.take(next));
    }
}
