//! The properties of the specification. After each step of a random history the judge says what every commit may show.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tidegate_model::{CommitSha, StatusState};

use super::{
    history::{BASES, HEADS, History, Step, check, light, of_job, steps},
    judge::{CONFIGS, INVALID, JOBS, Light, Pull, Result},
    world::{name, sha},
};
use crate::status::{Context, Decided, VerdictState};

/// Histories a property. `PROPTEST_CASES` doesn't change it: the fast tier has seconds.
const CASES: u32 = 64;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn every_context_shows_what_the_judge_says(steps in steps(40)) {
        check(&steps, |history, _, before, at| {
            for head in HEADS {
                for job in JOBS {
                    let was = light(&before.world.host, head, &of_job(job));
                    let expected = history.judge.expect(head, job, was);
                    let shown = light(&history.world.host, head, &of_job(job));
                    prop_assert_eq!(shown, expected, "{} of {} after {}", job, head, at);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn safety_a_head_is_green_only_if_every_base_it_applies_to_is(steps in steps(40)) {
        check(&steps, |history, _, _, at| {
            for (head, job) in HEADS.into_iter().flat_map(|head| JOBS.map(|job| (head, job))) {
                let is_green = light(&history.world.host, head, &of_job(job)) == Some(Light::Success);
                prop_assert!(!is_green || history.judge.may_be_green(head, job), "{job} of {head} after {at}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_cover_a_step_changes_only_the_commits_that_it_shows(steps in steps(40)) {
        check(&steps, |history, step, before, at| {
            let Some(touched) = before.touched(step) else { return Ok(()) };
            for (place, shown) in &history.world.host {
                if !touched.contains(&place.0) {
                    prop_assert_eq!(Some(shown), before.world.host.get(place), "{:?} after {}", place, at);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_strangers_green_without_a_successful_run(steps in steps(40)) {
        check(&steps, |history, step, before, at| {
            if !History::is_strangers(step) {
                return Ok(());
            }
            for head in HEADS {
                let stays = |(number, of): &(u64, &Pull)| {
                    history.judge.pulls.get(number).is_some_and(|now| now.is_open && now.head == of.head)
                };
                let staying: Vec<_> = before.judge.open_at(head).into_iter().filter(stays).collect();
                let turns_green = |context: &Context| {
                    light(&before.world.host, head, context).is_some_and(|light| light != Light::Success)
                        && light(&history.world.host, head, context) == Some(Light::Success)
                };
                prop_assert!(staying.is_empty() || !turns_green(&Context::Config), "config of {head} after {at}");
                for job in JOBS {
                    let is_owed = staying.iter().any(|(_, pull)| {
                        before.judge.applies(job, pull.base)
                            && before.judge.result(head, pull.base, job) != Some(Result::Green)
                    });
                    let is_free = !turns_green(&of_job(job)) || history.judge.was_green(head, job);
                    prop_assert!(!is_owed || is_free, "{job} of {head} after {at}");
                }
                for job in ["deploy", "check"] {
                    prop_assert!(!turns_green(&of_job(job)), "{job} of {head} after {at}");
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_failed_push_stays_failed_until_a_run_of_its_job_succeeds(steps in steps(40)) {
        check(&steps, |history, _, before, at| {
            for (head, job) in HEADS.into_iter().flat_map(|head| ["deploy", "check"].map(|job| (head, job))) {
                let was = light(&before.world.host, head, &of_job(job));
                let is_green = light(&history.world.host, head, &of_job(job)) == Some(Light::Success);
                let is_bad = was == Some(Light::Failure) || was == Some(Light::Pending);
                let has_succeeded = history.world.runs.iter().any(|run| {
                    let verdict = run.jobs.get(&name(job)).and_then(Option::as_ref);
                    run.target.commit == sha(head) && verdict.is_some_and(|v| v.state == VerdictState::Success)
                });
                prop_assert!(!(is_bad && is_green) || has_succeeded, "{job} of {head} after {at}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn liveness_what_stays_pending_says_what_a_person_can_do(steps in steps(40)) {
        let mut history = check(&steps, |_, _, _, _| Ok(()))?;
        history.finish();
        let (judge, host) = (&history.judge, &history.world.host);
        for ((commit, context), (state, text)) in host {
            if *state != StatusState::Pending {
                continue;
            }
            let head = HEADS.into_iter().find(|head| sha(*head) == *commit).expect("a head");
            let job = JOBS.into_iter().find(|job| of_job(job) == *context);
            let is_so = match job {
                None => text.starts_with("waits for /ok-to-test") && !judge.trusted.contains(&head)
                    && !judge.open_at(head).is_empty(),
                Some(job) if text.starts_with("left out ") => BASES.iter().any(|base| {
                    judge.is_left_out(head, base, job)
                }),
                Some(job) if text.starts_with("no result for ") => judge.owes(head, job),
                Some(_) => text == "waits for a valid config" && judge.config == INVALID,
            };
            prop_assert!(is_so, "{context:?} of {head} is pending: {text}");
        }
        for head in HEADS {
            let is_due = judge.config != INVALID && judge.trusted.contains(&head) && !judge.open_at(head).is_empty();
            for (job, _) in CONFIGS[judge.config].iter().filter(|_| is_due) {
                prop_assert!(light(host, head, &of_job(job)).is_some(), "{job} of {head} shows nothing");
            }
        }
    }

    #[test]
    fn restart_the_same_state_gives_the_same_statuses_and_no_run(steps in steps(40)) {
        let mut history = check(&steps, |_, _, _, _| Ok(()))?;
        let before = history.snapshot();
        let writes = history.world.writes.len();
        history.world.restart();
        prop_assert_eq!(&history.world.ledger, &before.world.ledger);
        prop_assert_eq!(&history.world.host, &before.world.host);
        prop_assert_eq!(history.world.writes.len(), writes);
        prop_assert_eq!(history.world.runs.len(), before.world.runs.len());
    }

    #[test]
    fn monotonic_a_write_is_never_older_and_repeated_only_after_a_crash(
        steps in steps(40),
        sends in prop::collection::vec((0_usize..4, 0_u8..8), 40),
    ) {
        let mut history = History::new();
        history.world.sends_at_once = false;
        // Writes on their way, at most one a place.
        let mut on_its_way: BTreeMap<(CommitSha, Context), Decided> = BTreeMap::new();
        let mut may_repeat: BTreeSet<(CommitSha, Context)> = BTreeSet::new();
        let mut decided: BTreeMap<(CommitSha, Context), Vec<(StatusState, String)>> = BTreeMap::new();
        for (step, (count, chance)) in steps.iter().zip(&sends) {
            if !matches!(step, Step::Restart) {
                history.step(*step);
            }
            for (commit, context, status) in history.world.ledger.due() {
                let list = decided.entry((commit.clone(), context.clone())).or_default();
                let now = (status.state, status.text.to_string());
                if list.last() != Some(&now) {
                    list.push(now);
                }
            }
            // Some of what was on its way arrives.
            for place in on_its_way.keys().take(*count).cloned().collect::<Vec<_>>() {
                let Some(status) = on_its_way.remove(&place) else { continue };
                let is_repeated = history.world.host.get(&place) == Some(&(status.state, status.text.to_string()));
                prop_assert!(!is_repeated || may_repeat.remove(&place), "{place:?} was written twice");
                history.world.write(&place.0, &place.1, status.state, &status.text);
                if *chance == 0 {
                    // A crash before the answer is remembered.
                    may_repeat.insert(place);
                } else {
                    history.world.ledger.settle(&place.0, &place.1, status.state, &status.text);
                }
            }
            for (commit, context, status) in history.world.ledger.due() {
                on_its_way.entry((commit.clone(), context.clone())).or_insert_with(|| status.clone());
            }
        }
        let mut reached: BTreeMap<(CommitSha, Context), usize> = BTreeMap::new();
        for (commit, context, state, text) in &history.world.writes {
            let place = (commit.clone(), context.clone());
            let from = reached.get(&place).copied().unwrap_or_default();
            let later = decided.get(&place).into_iter().flatten().skip(from);
            let position = later.clone().position(|(of, words)| of == state && words == text);
            prop_assert!(position.is_some(), "{place:?} went back to {text}");
            reached.insert(place, from + position.unwrap_or_default());
        }
        history.world.send_all();
        for (commit, record) in &history.world.ledger.commits {
            for (context, status) in &record.statuses {
                let shown = history.world.host.get(&(commit.clone(), context.clone()));
                prop_assert_eq!(shown, Some(&(status.decided.state, status.decided.text.to_string())));
            }
        }
    }
}
