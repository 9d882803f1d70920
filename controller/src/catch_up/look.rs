//! Lists the open pull requests, branches and tags of a config that missed events: it was not valid, had no job for them, or
//! events were dropped because their hook had been replaced.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use tidegate_hosts::client::{Listing, PullRequestFacts, RefFacts};
use tidegate_model::{CommitSha, GitRef};
use tidegate_rules::ledger::Look;

use super::follow::{IN_FLIGHT, follow};
use crate::{
    context::Context,
    ledger::{Book, OpenPullRequest},
    runs::locks::Locks,
    trigger::{Act, error::TriggerError, reader::Reader},
};

/// Lists, and carries out what follows. Each step is idempotent, so a failed look is repeated as a whole.
pub async fn look(
    look: Look,
    config_changes: u64,
    book: &Book,
    context: &Context,
    locks: &Locks,
) -> Result<(), TriggerError> {
    let config = book.config();
    let mut acts = Vec::new();
    if look.is_first {
        acts = waiting(&book.open_pull_requests());
    } else if look.at_pull_requests {
        let reader = Reader::new(&config, context).await?;
        let listed = reader.client.list_open_pull_requests().await?;
        acts = unfollowed(&listed, &book.open_pull_requests());
    }
    if look.at_refs {
        let reader = Reader::new(&config, context).await?;
        let listed = reader.client.list_refs().await?;
        acts.extend(moved(&listed, &book.known_refs()));
    }
    let followed =
        stream::iter(acts).map(|act| follow(&config, act, locks, context)).buffer_unordered(IN_FLIGHT);
    let results: Vec<Result<(), TriggerError>> = followed.collect().await;
    results.into_iter().collect::<Result<(), TriggerError>>()?;
    book.looked(look, config_changes);
    Ok(book.save().await?)
}

/// The known pull requests without an approved head: the ledger doesn't count their runs as missing.
fn waiting(known: &[OpenPullRequest]) -> Vec<Act> {
    known.iter().filter(|known| !known.is_trusted).map(run_known).collect()
}

/// The pull requests that differ between host and ledger, or wait for approval.
fn unfollowed(listed: &Listing<PullRequestFacts>, known: &[OpenPullRequest]) -> Vec<Act> {
    let by_number: BTreeMap<_, _> = known.iter().map(|known| (known.number, known)).collect();
    let is_followed = |shown: &PullRequestFacts| {
        by_number
            .get(&shown.number)
            .is_some_and(|known| known.is_trusted && known.head == shown.head.sha && known.base == shown.base)
    };
    let open = listed.items.iter().filter(|shown| shown.open && !is_followed(shown));
    let mut acts: Vec<Act> = open
        .map(|shown| Act::PullRequest {
            number: shown.number,
            author: Some(shown.author.clone()),
            branch: shown.head.branch.clone(),
        })
        .collect();
    // An absence in an incomplete list means nothing.
    if listed.is_complete() {
        let is_listed = |known: &&OpenPullRequest| listed.items.iter().any(|s| s.number == known.number);
        let gone = known.iter().filter(|known| !is_listed(known));
        acts.extend(gone.map(|known| Act::Closed(known.number)));
    }
    acts
}

/// The changes of the branches and tags that the ledger knows. An unknown one may be older than the config, so it is skipped.
fn moved(listed: &Listing<RefFacts>, known: &BTreeMap<GitRef, Option<CommitSha>>) -> Vec<Act> {
    let mut left = known.clone();
    let mut acts = Vec::new();
    for shown in &listed.items {
        let Some(seen) = left.remove(&shown.reference) else { continue };
        if seen.as_ref() != Some(&shown.sha) {
            acts.push(Act::Push(shown.reference.clone(), shown.sha.clone()));
        }
    }
    if listed.is_complete() {
        let gone = left.into_iter().filter(|(_, seen)| seen.is_some());
        acts.extend(gone.map(|(reference, _)| Act::Moved(reference, None)));
    }
    acts
}

fn run_known(known: &OpenPullRequest) -> Act {
    Act::PullRequest { number: known.number, author: None, branch: None }
}

#[cfg(test)]
mod tests {
    use tidegate_hosts::client::HeadFacts;
    use tidegate_model::{CommitSha, PullRequestNumber};

    use super::*;

    fn sha(digit: char) -> CommitSha {
        digit.to_string().repeat(40).parse().expect("a SHA")
    }

    fn shown(number: u64, head: char) -> PullRequestFacts {
        PullRequestFacts {
            number: PullRequestNumber(number),
            open: true,
            merged: false,
            head: HeadFacts { sha: sha(head), branch: "fix".parse().ok(), repository: None, owner: None },
            base: "main".parse().expect("a branch"),
            author: "dora".parse().expect("a login"),
            title: "Fix".to_owned(),
            draft: false,
        }
    }

    fn known(number: u64, head: char, is_trusted: bool) -> OpenPullRequest {
        let base = "main".parse().expect("a branch");
        OpenPullRequest { number: PullRequestNumber(number), head: sha(head), base, is_trusted }
    }

    fn numbers(acts: &[Act]) -> Vec<(&'static str, u64)> {
        let number = |act: &Act| match act {
            Act::PullRequest { number, .. } | Act::Closed(number) => number.0,
            Act::Push(..) | Act::Moved(..) => 0,
        };
        acts.iter().map(|act| (act.as_str(), number(act))).collect()
    }

    #[test]
    fn a_difference_is_read_and_a_pull_request_that_the_host_does_not_list_is_ended() {
        let items = vec![shown(1, 'a'), shown(2, 'b'), shown(3, 'c'), shown(4, 'd')];
        let mut listed = Listing { items, unreadable: 0, is_truncated: false };
        let known = [known(1, 'a', true), known(2, 'e', true), known(3, 'c', false), known(9, 'f', true)];
        let run = |number| ("run_pull_request", number);
        assert_eq!(numbers(&unfollowed(&listed, &known)), [run(2), run(3), run(4), ("cancel", 9)]);
        listed.is_truncated = true;
        assert_eq!(numbers(&unfollowed(&listed, &known)), [run(2), run(3), run(4)]);
    }

    #[test]
    fn a_first_look_concerns_only_known_pull_requests() {
        assert_eq!(
            numbers(&waiting(&[known(1, 'a', true), known(2, 'b', false)])),
            [("run_pull_request", 2)]
        );
    }
}
