//! The config's own status, `tidegate/<config>`. It is written only where a head waited for approval, or was the head of an
//! open pull request while the config was invalid.

use tidegate_model::StatusState;

use super::{
    facts::{ConfigState, Context, Facts, JobKind, Outcome, Report, Rule},
    text,
};
use crate::trust::TrustProof;

/// What a status says while a person has to approve the commit. `/ok-to-test` without a SHA approves the head that showed it.
pub const WAITS_FOR_APPROVAL: &str = "waits for /ok-to-test by someone with write permission";

pub(super) fn outcome(facts: &Facts) -> Outcome {
    let Some((state, words)) = words(facts) else {
        return Outcome::Keep;
    };
    Outcome::Report(Report { state, text: text::truncate(&words), run: None, kind: None, rule: Rule::Own })
}

fn words(facts: &Facts) -> Option<(StatusState, String)> {
    let decided = facts.decided.get(&Context::Config);
    let is_pending = decided.is_some_and(|decided| !decided.state.is_final());
    match &facts.config {
        ConfigState::Removed => {
            return is_pending.then(|| (StatusState::Error, text::CONFIG_REMOVED.to_owned()));
        }
        ConfigState::Invalid(reason) if facts.is_open_head() => {
            return Some((StatusState::Error, format!("config invalid: {reason}")));
        }
        ConfigState::Conflicting => return None,
        ConfigState::Invalid(_) | ConfigState::Valid => {}
    }
    let has_pre_submit = facts.jobs.values().any(|kind| *kind == JobKind::PreSubmit);
    match (&facts.trust, decided) {
        (None, _) if facts.is_open_head() && has_pre_submit => {
            Some((StatusState::Pending, WAITS_FOR_APPROVAL.to_owned()))
        }
        (None, _) if facts.is_open_head() => {
            is_pending.then(|| (StatusState::Success, "no job runs for pull requests".to_owned()))
        }
        (None, _) => is_pending.then(|| (StatusState::Error, text::left(facts.left.as_ref()))),
        (Some(_), None) => None,
        (Some(proof), Some(_)) if facts.has_waited || matches!(proof, TrustProof::Approval { .. }) => {
            Some((StatusState::Success, proof.to_string()))
        }
        (Some(_), Some(_)) => facts.is_open_head().then(|| (StatusState::Success, "config valid".to_owned())),
    }
}
