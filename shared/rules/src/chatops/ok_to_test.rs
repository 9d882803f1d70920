//! `/ok-to-test`

use tidegate_model::CommitSha;

use super::{
    command::ChatCommand,
    deciding::{Deciding, Verdict},
    entry::Entry,
    permission::{PermissionDenied, Who},
    words::quoted,
};
use crate::trust::TrustProof;

pub(super) const ENTRY: Entry = Entry {
    name: "ok-to-test",
    forms: &[
        ("/ok-to-test", "lets the head run that waited for approval when the comment was written"),
        ("/ok-to-test SHA", "lets exactly this head run, by its full SHA"),
    ],
    who: Who::Writer,
    read,
};

fn read(words: &[&str]) -> Result<ChatCommand, String> {
    match words {
        [] => Ok(ChatCommand::Approve { sha: None }),
        // A shortened SHA is no promise: whoever pushes can make another commit that begins the same.
        [sha] => match sha.to_ascii_lowercase().parse() {
            Ok(sha) => Ok(ChatCommand::Approve { sha: Some(sha) }),
            Err(_) => Err(format!("{} is not a full commit SHA", quoted(sha))),
        },
        _ => Err("it takes at most one commit".to_owned()),
    }
}

/// Approves the head: the one that its author meant, and no other. With a SHA it is exact. Without one it means what was shown as
/// waiting when the comment was written: by the host's clock alone, and not in the same second, in which the order is unknown.
pub(super) fn mean(deciding: &mut Deciding<'_>, sha: Option<&CommitSha>) -> Verdict {
    let facts = deciding.facts;
    let head = facts.head_sha;
    if deciding.has_approved() && !deciding.wanted.iter().any(|wanted| wanted.is_approving) {
        // Another head came since.
        return Verdict::Done;
    }
    if let Some(sha) = sha
        && sha != head
    {
        return Verdict::Said(format!(
            "not approved: the head is `{head}`. Look at it, and then say `/ok-to-test {head}`"
        ));
    }
    if deciding.wanted.iter().all(|wanted| wanted.standing.may_run()) {
        return Verdict::Done;
    }
    if sha.is_none()
        && let Some(reviewed) = facts.comment.reviewed
        && reviewed != head
    {
        return Verdict::Said(format!(
            "not approved: the review is of `{reviewed}`, and the head is `{head}`. Look at it, and then say `/ok-to-test {head}`"
        ));
    }
    let was_shown = deciding
        .configs()
        .any(|(of, wanted)| wanted.is_approving || !wanted.standing.may_run() && of.was_shown_waiting);
    if sha.is_none() && !was_shown {
        return Verdict::Said(format!(
            "not approved: the head is `{head}`, and it was not shown as waiting yet when you wrote. Look at it, and \
             then say `/ok-to-test {head}`"
        ));
    }
    let Some(proof) = TrustProof::of_approval(facts.commenter, facts.comment.id) else {
        return Verdict::Said(deciding.refused(PermissionDenied::NeedsWrite));
    };
    for wanted in deciding.wanted.iter_mut().filter(|wanted| !wanted.standing.may_run()) {
        wanted.standing = facts.head.standing(None, Some(&proof));
        wanted.is_approving = true;
    }
    Verdict::Done
}
