//! A second model of what statuses may say. It shares no code with the rule: it keeps plain tables, knows the filters by a
//! table of its own, and looks at pull requests and runs from outside.

use std::collections::{BTreeMap, BTreeSet};

/// What a run says about a job, newest run first. `Stopped` is a run that Tidegate stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    Pending,
    Stopped,
    Green,
    Red,
    Broken,
    NeedsSecret,
}

/// A status without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    Pending,
    Success,
    Failure,
    Error,
}

/// One pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub is_open: bool,
    pub head: char,
    pub base: &'static str,
    pub is_marked: bool,
}

/// Which jobs the configs of these histories have, and the bases they run for; nothing means all.
pub const CONFIGS: [&[(&str, &[&str])]; 5] = [
    &[("unit", &["main"]), ("lint", &[])],
    &[("unit", &[]), ("lint", &[])],
    &[("lint", &[])],
    // The same as the first, and invalid.
    &[("unit", &["main"]), ("lint", &[])],
    &[("unit", &["main", "next"]), ("lint", &["dev"]), ("extra", &[])],
];

/// The config that is invalid.
pub const INVALID: usize = 3;

pub const JOBS: [&str; 3] = ["unit", "lint", "extra"];

#[derive(Debug, Clone, Default)]
pub struct Judge {
    pub pulls: BTreeMap<u64, Pull>,
    pub trusted: BTreeSet<char>,
    pub config: usize,
    /// (head, base, job) -> (number of the run, what it says)
    results: BTreeMap<(char, &'static str, &'static str), (u32, Result)>,
    /// (pull request, base that it left, job)
    owed: BTreeSet<(u64, &'static str, &'static str)>,
    /// (head, job) of which a result was shown when the last pull request went.
    kept: BTreeSet<(char, &'static str)>,
    /// (head, job) of which a result was shown last.
    has_result: BTreeSet<(char, &'static str)>,
}

impl Judge {
    pub fn applies(&self, job: &str, base: &str) -> bool {
        CONFIGS[self.config]
            .iter()
            .any(|(name, bases)| *name == job && (bases.is_empty() || bases.contains(&base)))
    }

    fn has_job(&self, job: &str) -> bool {
        CONFIGS[self.config].iter().any(|(name, _)| *name == job)
    }

    pub fn open_at(&self, head: char) -> Vec<(u64, &Pull)> {
        let open = self.pulls.iter().filter(|(_, pull)| pull.is_open && pull.head == head);
        open.map(|(number, pull)| (*number, pull)).collect()
    }

    pub fn result(&self, head: char, base: &'static str, job: &'static str) -> Option<Result> {
        self.results.get(&(head, base, job)).map(|(_, result)| *result)
    }

    pub fn was_green(&self, head: char, job: &str) -> bool {
        let mut of_job = self.results.iter().filter(|((of, _, name), _)| *of == head && *name == job);
        of_job.any(|(_, (_, result))| *result == Result::Green)
    }

    /// A run says this about a job. A newer run has the word.
    pub fn hear(&mut self, head: char, base: &'static str, job: &'static str, run: u32, result: Result) {
        let entry = self.results.entry((head, base, job)).or_insert((run, result));
        if run >= entry.0 {
            *entry = (run, result);
        }
    }

    /// A pull request is like this now.
    pub fn see(&mut self, number: u64, new: Pull) {
        if let Some(old) = self.pulls.get(&number).cloned() {
            if old.head != new.head {
                self.owed.retain(|(of, _, _)| *of != number);
            } else if old.base != new.base {
                self.owed.retain(|(of, base, _)| *of != number || *base != new.base);
                for job in JOBS {
                    let is_green = self.result(old.head, old.base, job) == Some(Result::Green);
                    if self.trusted.contains(&old.head) && self.applies(job, old.base) && !is_green {
                        self.owed.insert((number, old.base, job));
                    }
                }
            }
        }
        self.pulls.insert(number, new);
    }

    /// A writer asked for every job of a pull request.
    pub fn writer_tests(&mut self, number: u64) {
        self.owed.retain(|(of, _, _)| *of != number);
    }

    /// After each step: a success for a present base makes up for what any open pull request of the head owes.
    pub fn settle(&mut self) {
        let open: Vec<(u64, Pull)> =
            self.pulls.iter().filter(|(_, pull)| pull.is_open).map(|(n, pull)| (*n, pull.clone())).collect();
        for (_, pull) in &open {
            for job in JOBS {
                let is_green = self.result(pull.head, pull.base, job) == Some(Result::Green);
                if is_green && self.applies(job, pull.base) {
                    let same_head: Vec<u64> =
                        open.iter().filter(|(_, of)| of.head == pull.head).map(|(n, _)| *n).collect();
                    self.owed.retain(|(of, _, name)| !(same_head.contains(of) && *name == job));
                }
            }
        }
    }

    /// What every open pull request of a head says about a job; its base comes with what it says. A base that was left is
    /// among them only while it owes something.
    fn votes(&self, head: char, job: &'static str) -> Vec<Option<Light>> {
        let open = self.open_at(head);
        let mut votes = Vec::new();
        for (_, pull) in &open {
            if !self.applies(job, pull.base) {
                votes.push(None);
                continue;
            }
            let has_rights = open.iter().any(|(number, of)| *number == 1 && of.base == pull.base);
            votes.push(Some(match self.result(head, pull.base, job) {
                Some(Result::Green) => Light::Success,
                Some(Result::Red) => Light::Failure,
                Some(Result::NeedsSecret) if has_rights => Light::Pending,
                Some(Result::Broken | Result::NeedsSecret) => Light::Error,
                Some(Result::Pending | Result::Stopped) | None => Light::Pending,
            }));
        }
        for (number, base, name) in &self.owed {
            let is_of_head = open.iter().any(|(of, _)| of == number);
            if *name == job && is_of_head && self.applies(job, base) {
                match self.result(head, base, job) {
                    Some(Result::Green) => {}
                    Some(Result::Red) => votes.push(Some(Light::Failure)),
                    Some(Result::Broken | Result::NeedsSecret) => votes.push(Some(Light::Error)),
                    Some(Result::Pending | Result::Stopped) | None => votes.push(Some(Light::Pending)),
                }
            }
        }
        votes
    }

    /// Whether an open pull request of the head left a base that still owes a result of the job.
    pub fn owes(&self, head: char, job: &'static str) -> bool {
        let present = self.open_at(head);
        self.owed.iter().any(|(number, base, name)| {
            *name == job
                && present.iter().any(|(of, _)| of == number)
                && present.iter().all(|(_, pull)| pull.base != *base)
        })
    }

    /// What a job's context should show, given what it showed before the step.
    pub fn expect(&mut self, head: char, job: &'static str, before: Option<Light>) -> Option<Light> {
        let place = (head, job);
        let was_result = self.has_result.contains(&place);
        if !self.trusted.contains(&head) {
            return before;
        }
        if self.open_at(head).is_empty() {
            if before == Some(Light::Pending) {
                return Some(Light::Error);
            }
            if was_result {
                self.kept.insert(place);
            }
            return before;
        }
        if !self.has_job(job) {
            if self.config == INVALID || before.is_none() {
                return before;
            }
            self.has_result.remove(&place);
            self.kept.remove(&place);
            return Some(Light::Success);
        }
        let votes = self.votes(head, job);
        let has = |light| votes.contains(&Some(light));
        let light = if has(Light::Failure) {
            Light::Failure
        } else if has(Light::Error) {
            Light::Error
        } else if has(Light::Pending) {
            Light::Pending
        } else if has(Light::Success) {
            Light::Success
        } else {
            let is_judged = self.config != INVALID && !self.kept.contains(&place);
            if is_judged {
                self.has_result.remove(&place);
            }
            return if is_judged { Some(Light::Success) } else { before };
        };
        if light == Light::Pending && self.config == INVALID && before.is_none() {
            let is_running = self.open_at(head).iter().any(|(_, pull)| {
                self.applies(job, pull.base) && self.result(head, pull.base, job) == Some(Result::Pending)
            });
            let is_left_out = self
                .open_at(head)
                .iter()
                .any(|(_, pull)| self.applies(job, pull.base) && self.is_left_out(head, pull.base, job));
            if !is_running && !is_left_out && !self.owes(head, job) {
                return None;
            }
        }
        self.kept.remove(&place);
        if light == Light::Pending {
            self.has_result.remove(&place);
        } else {
            self.has_result.insert(place);
        }
        Some(light)
    }

    /// Whether every open pull request of a head and base carries the mark, and no run has the job.
    pub fn is_left_out(&self, head: char, base: &'static str, job: &'static str) -> bool {
        let of_key: Vec<_> = self.open_at(head).into_iter().filter(|(_, pull)| pull.base == base).collect();
        self.result(head, base, job).is_none()
            && !of_key.is_empty()
            && of_key.iter().all(|(_, pull)| pull.is_marked)
    }

    /// Safety: whether a job's context may be green.
    pub fn may_be_green(&self, head: char, job: &'static str) -> bool {
        self.open_at(head).iter().all(|(_, pull)| {
            !self.applies(job, pull.base) || self.result(head, pull.base, job) == Some(Result::Green)
        })
    }
}
