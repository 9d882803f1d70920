//! Rules 1 to 5: what a job's context says.

use tidegate_model::{JobName, StatusState};

use super::{
    facts::{
        ConfigState, Context, Decided, Facts, JobKind, Judgement, Outcome, Report, Rule, Shows, VerdictState,
    },
    shared_text::RunName,
    text,
};

/// One target of the job.
struct Candidate<'a> {
    shows: &'a Shows,
    judgement: Judgement,
}

pub(super) fn outcome(job: &JobName, facts: &Facts) -> Outcome {
    let decided = facts.decided.get(&Context::Job(job.clone()));
    if facts.config == ConfigState::Removed {
        return end_pending(decided, text::CONFIG_REMOVED.to_owned(), Rule::Removed);
    }
    let kind = facts.jobs.get(job).copied().or_else(|| decided.and_then(|decided| decided.kind));
    // A push's run exists only if the push was seen at its branch or tag.
    if facts.trust.is_none() && kind != Some(JobKind::PostSubmit) {
        return Outcome::Keep;
    }
    let was_of_push = decided.is_some_and(|decided| decided.kind == Some(JobKind::PostSubmit));
    match facts.jobs.get(job) {
        Some(JobKind::PreSubmit) if was_of_push && !facts.is_open_head() => removed(job, facts, decided),
        Some(kind) => Deciding { job, kind: *kind, facts, decided }.outcome(),
        // Which jobs an invalid config has is not known: what was decided stays as far as it can.
        None if facts.config != ConfigState::Valid && facts.is_open_head() => {
            let deciding = Deciding { job, kind: JobKind::PreSubmit, facts, decided };
            match decided.map(|decided| decided.state) {
                Some(StatusState::Pending) => deciding.waits_for_config(),
                Some(StatusState::Success | StatusState::Failure | StatusState::Error) | None => {
                    Outcome::Keep
                }
            }
        }
        None => removed(job, facts, decided),
    }
}

/// A job that is no longer in the config.
fn removed(job: &JobName, facts: &Facts, decided: Option<&Decided>) -> Outcome {
    if facts.is_open_head() {
        let kind = decided.and_then(|decided| decided.kind);
        return match decided {
            Some(_) => skipped(text::JOB_REMOVED, kind, Rule::Removed),
            None => Outcome::Keep,
        };
    }
    let is_final = decided.is_some_and(|decided| decided.state.is_final());
    let deciding = Deciding { job, kind: JobKind::PostSubmit, facts, decided };
    let has_run = deciding.seen().iter().any(|seen| matches!(seen.judgement, Judgement::Verdict(_)));
    match (is_final, has_run) {
        (true, _) => Outcome::Keep,
        // The push's run still has the job: its result is shown.
        (false, true) => deciding.outcome(),
        (false, false) => end_pending(decided, text::JOB_REMOVED.to_owned(), Rule::NoTarget),
    }
}

/// Turns a pending status into an error; whatever else was decided stays.
fn end_pending(decided: Option<&Decided>, text: String, rule: Rule) -> Outcome {
    match decided {
        Some(decided) if !decided.state.is_final() => Outcome::Report(Report {
            state: StatusState::Error,
            text,
            run: decided.run.clone(),
            kind: decided.kind,
            rule,
        }),
        Some(_) | None => Outcome::Keep,
    }
}

fn skipped(reason: &str, kind: Option<JobKind>, rule: Rule) -> Outcome {
    let text = text::truncate(&format!("skipped: {reason}"));
    Outcome::Report(Report { state: StatusState::Success, text, run: None, kind, rule })
}

struct Deciding<'a> {
    job: &'a JobName,
    kind: JobKind,
    facts: &'a Facts,
    decided: Option<&'a Decided>,
}

impl Deciding<'_> {
    fn outcome(&self) -> Outcome {
        let seen = self.seen();
        if seen.is_empty() {
            return self.without_target();
        }
        let is_only = seen.len() == 1;
        let find = |states: &[VerdictState]| {
            seen.iter()
                .find(|seen| matches!(&seen.judgement, Judgement::Verdict(v) if states.contains(&v.state)))
        };
        let failed = find(&[VerdictState::Failure])
            .or_else(|| find(&[VerdictState::Error, VerdictState::NeedsSecret]));
        if let Some(seen) = failed {
            return self.shown(seen, is_only, Rule::Failed);
        }
        let left_out = seen.iter().find(|seen| matches!(seen.judgement, Judgement::LeftOut(_)));
        let missing = |is_former: bool| {
            let is_meant = move |seen: &&Candidate<'_>| {
                let is_of_former = matches!(seen.shows, Shows::FormerBase { .. });
                seen.judgement == Judgement::Missing && is_of_former == is_former
            };
            seen.iter().find(is_meant)
        };
        // What a person has to act on comes first, then what is nearest to its end.
        let pending = left_out
            .or_else(|| missing(true))
            .or_else(|| find(&[VerdictState::Running]))
            .or_else(|| find(&[VerdictState::Queued]))
            .or_else(|| missing(false));
        if let Some(seen) = pending {
            return self.shown(seen, is_only, Rule::Pending);
        }
        if let Some(seen) = find(&[VerdictState::Success]) {
            return self.shown(seen, is_only, Rule::Succeeded);
        }
        self.not_applicable(&seen)
    }

    /// Every target of the job, the present ones first. A former base counts only while it has something to say.
    fn seen(&self) -> Vec<Candidate<'_>> {
        let of_kind = self.facts.targets.iter().filter(|target| target.shows.kind() == self.kind);
        let judged = of_kind.filter_map(|target| {
            let judgement = after_deletion(&target.shows, target.jobs.get(self.job)?);
            Some(Candidate { shows: &target.shows, judgement })
        });
        let (former, mut seen): (Vec<_>, Vec<_>) =
            judged.partition(|seen| matches!(seen.shows, Shows::FormerBase { .. }));
        let is_success = |seen: &Candidate<'_>| matches!(&seen.judgement, Judgement::Verdict(verdict) if verdict.state == VerdictState::Success);
        if seen.iter().any(is_success) {
            return seen;
        }
        let present: Vec<_> = seen.iter().map(|seen| seen.shows).collect();
        let is_present = |former: &Shows| {
            let Shows::FormerBase { base, .. } = former else { return false };
            present
                .iter()
                .any(|shows| matches!(shows, Shows::PullRequests { base: present, .. } if present == base))
        };
        let says_something = |seen: &Candidate<'_>| {
            !is_success(seen) && !matches!(seen.judgement, Judgement::NotApplicable(_))
        };
        let former: Vec<_> =
            former.into_iter().filter(|seen| says_something(seen) && !is_present(seen.shows)).collect();
        seen.extend(former);
        seen
    }

    fn shown(&self, seen: &Candidate<'_>, is_only: bool, rule: Rule) -> Outcome {
        let (state, words, run) = match &seen.judgement {
            Judgement::Verdict(verdict) => {
                let run = (!verdict.run.is_empty()).then(|| verdict.run.clone());
                (state(verdict.state), verdict.text.to_string(), run)
            }
            Judgement::LeftOut(mark) => {
                (StatusState::Pending, format!("left out by {mark}; comment /test"), None)
            }
            Judgement::Missing if matches!(seen.shows, Shows::FormerBase { .. }) => {
                let base = text::target(seen.shows);
                let text = format!("no result for {base}: push a new commit, or a writer comments /test");
                return self.reported(StatusState::Pending, &text, None, rule);
            }
            Judgement::Missing if self.facts.config != ConfigState::Valid => return self.waits_for_config(),
            Judgement::Missing => (StatusState::Pending, "queued".to_owned(), None),
            Judgement::NotApplicable(_) => return Outcome::Keep,
        };
        if is_only {
            self.reported(state, &words, run, rule)
        } else {
            let named = text::name_target(first_words(&seen.judgement), seen.shows, &words);
            self.reported(state, &named, run, rule)
        }
    }

    /// Nothing starts while the config is invalid. Where nothing was shown, the config's own status is enough.
    fn waits_for_config(&self) -> Outcome {
        match self.decided {
            Some(_) => self.reported(StatusState::Pending, "waits for a valid config", None, Rule::Pending),
            None => Outcome::Keep,
        }
    }

    fn reported(&self, state: StatusState, text: &str, run: Option<RunName>, rule: Rule) -> Outcome {
        Outcome::Report(Report { state, text: text::truncate(text), run, kind: Some(self.kind), rule })
    }

    /// Rule 4. It never overwrites what rule 5 keeps, nor what an invalid config can't judge.
    fn not_applicable(&self, seen: &[Candidate<'_>]) -> Outcome {
        let is_kept = self.decided.is_some_and(|decided| decided.is_kept);
        let reason = seen.iter().find_map(|seen| match &seen.judgement {
            Judgement::NotApplicable(reason) => Some(reason),
            Judgement::LeftOut(_) | Judgement::Missing | Judgement::Verdict(_) => None,
        });
        match reason {
            Some(reason) if !is_kept && self.facts.config == ConfigState::Valid => {
                skipped(reason, Some(self.kind), Rule::Skipped)
            }
            _ if self.decided.is_some_and(|decided| !decided.state.is_final()) => self.waits_for_config(),
            Some(_) | None => Outcome::Keep,
        }
    }

    /// Rule 5.
    fn without_target(&self) -> Outcome {
        let was_pre_submit = self.decided.is_some_and(|decided| decided.kind == Some(JobKind::PreSubmit));
        match self.kind {
            JobKind::PostSubmit if was_pre_submit && self.facts.is_open_head() => {
                skipped("it runs after pushes only", Some(JobKind::PreSubmit), Rule::Removed)
            }
            JobKind::PostSubmit if !was_pre_submit => {
                end_pending(self.decided, text::RUN_DELETED.to_owned(), Rule::NoTarget)
            }
            JobKind::PreSubmit | JobKind::PostSubmit => {
                end_pending(self.decided, text::left(self.facts.left.as_ref()), Rule::NoTarget)
            }
        }
    }
}

/// What had no slot when its branch or tag was deleted gets none any more.
fn after_deletion(shows: &Shows, judgement: &Judgement) -> Judgement {
    let Shows::Push { reference, is_deleted: true } = shows else {
        return judgement.clone();
    };
    let (Judgement::Missing | Judgement::Verdict(super::Verdict { state: VerdictState::Queued, .. })) =
        judgement
    else {
        return judgement.clone();
    };
    let run = match judgement {
        Judgement::Verdict(verdict) => verdict.run.clone(),
        Judgement::NotApplicable(_) | Judgement::LeftOut(_) | Judgement::Missing => RunName::default(),
    };
    let text = text::was_deleted(reference).into();
    Judgement::Verdict(super::Verdict { state: VerdictState::Error, text, run })
}

const fn state(verdict: VerdictState) -> StatusState {
    match verdict {
        VerdictState::Queued | VerdictState::Running => StatusState::Pending,
        VerdictState::Success => StatusState::Success,
        VerdictState::Failure => StatusState::Failure,
        VerdictState::Error | VerdictState::NeedsSecret => StatusState::Error,
    }
}

/// The words that a target's name follows.
const fn first_words(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::NotApplicable(_) => "skipped",
        Judgement::LeftOut(_) => "left out",
        Judgement::Missing => "queued",
        Judgement::Verdict(verdict) => match verdict.state {
            VerdictState::Queued => "queued",
            VerdictState::Running => "running",
            VerdictState::Success => "succeeded",
            VerdictState::Failure => "failed",
            VerdictState::Error | VerdictState::NeedsSecret => "error",
        },
    }
}
