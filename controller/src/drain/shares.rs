//! Fair sharing: which command is worked on next. Pure.
//!
//! A host that doesn't answer holds each of its commands until its calls time out, and a stranger may write any number of
//! comments. So no one may use the last free slots: a host may have as many as stay free, a credential and all comments
//! together half as many, a pull request one.

use std::collections::HashMap;

/// What a command's share of the slots is counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The host that it calls.
    pub site: String,
    /// The credential of these calls.
    pub credential: String,
    /// The pull request, with its site and repository; `None` for a push.
    pub pull_request: Option<String>,
    /// Whether it is a comment. Commands that lead to a status go first.
    pub is_comment: bool,
}

/// The number of commands by host, credential and pull request.
#[derive(Debug, Default)]
struct Counts<'a> {
    all: usize,
    comments: usize,
    sites: HashMap<&'a str, usize>,
    credentials: HashMap<&'a str, usize>,
    pull_requests: HashMap<&'a str, usize>,
}

impl<'a> Counts<'a> {
    fn of(lanes: impl IntoIterator<Item = &'a Lane>) -> Self {
        let mut counts = Self::default();
        for lane in lanes {
            counts.all += 1;
            counts.comments += usize::from(lane.is_comment);
            *counts.sites.entry(&lane.site).or_default() += 1;
            *counts.credentials.entry(&lane.credential).or_default() += 1;
            if let Some(pull_request) = &lane.pull_request {
                *counts.pull_requests.entry(pull_request).or_default() += 1;
            }
        }
        counts
    }

    fn of_credential(&self, lane: &Lane) -> usize {
        self.credentials.get(&*lane.credential).copied().unwrap_or_default()
    }

    /// Whether one more of this lane leaves the others their share.
    fn has_room(&self, lane: &Lane, capacity: usize, of_pull_request: usize) -> bool {
        let free = capacity.saturating_sub(self.all);
        let count = |counts: &HashMap<&str, usize>, key: &str| counts.get(key).copied().unwrap_or_default();
        let is_crowded = lane
            .pull_request
            .as_ref()
            .is_some_and(|pull_request| count(&self.pull_requests, pull_request) >= of_pull_request);
        free > 0
            && !is_crowded
            && count(&self.sites, &lane.site) < free
            && self.of_credential(lane) < free.div_ceil(2)
            && (!lane.is_comment || self.comments < free.div_ceil(2))
    }
}

/// The index of the waiting command that starts next; `None` if none may. Statuses go before comments, then the credential
/// with the fewest commands in flight, then the oldest. A pull request has one command in flight at a time.
pub fn next(capacity: usize, in_flight: &[Lane], waiting: &[&Lane]) -> Option<usize> {
    let counts = Counts::of(in_flight);
    let may = waiting.iter().enumerate().filter(|(_, lane)| counts.has_room(lane, capacity, 1));
    may.min_by_key(|(place, lane)| (lane.is_comment, counts.of_credential(lane), *place))
        .map(|(place, _)| place)
}

/// Whether one more command may wait here: waiting positions are shared like slots, with a limit of its own for a pull
/// request. A command that may not stays in SQS.
pub fn may_wait(capacity: usize, waiting: &[&Lane], lane: &Lane, of_pull_request: usize) -> bool {
    Counts::of(waiting.iter().copied()).has_room(lane, capacity, of_pull_request)
}

#[cfg(test)]
mod tests;
