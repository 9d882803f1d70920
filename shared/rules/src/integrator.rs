//! The Integrator plugin: which event asks for which run.

use tidegate_model::{
    Command, Event, GitRef, Intention, PullRequestAction, PullRequestEvent, PushEvent, RefName,
};

use crate::skip;

/// The commands that an event gives rise to. A deleted branch or tag is recorded alone, and so is a branch whose head commit
/// says `[skip ci]`; comments are read by `ChatOps`.
pub fn commands(event: &Event) -> Vec<Command> {
    let intention = match event {
        Event::PullRequest(event) => pull_request(event),
        Event::Push(event) => push(event),
        Event::Comment(_) | Event::CommitComment(_) => return Vec::new(),
    };
    vec![Command { repository: event.repository().clone(), intention }]
}

fn pull_request(event: &PullRequestEvent) -> Intention {
    let number = event.pull_request.number;
    match event.action {
        PullRequestAction::Opened
        | PullRequestAction::Reopened
        | PullRequestAction::Synchronized
        | PullRequestAction::BaseChanged
        | PullRequestAction::TitleChanged
        // The controller reads the pull request, and a run is named after its head, its base and the mark in its title: where
        // none of them changed, the run is there.
        | PullRequestAction::Updated => Intention::RunPullRequest {
            pull_request: number,
            head: event.pull_request.head.sha.clone(),
            author: event.pull_request.author.as_ref().map(|author| author.id.clone()),
            branch: own_branch(event),
        },
        PullRequestAction::Closed | PullRequestAction::Merged => Intention::Cancel { pull_request: number },
    }
}

/// The branch of the head, where it is in the base repository: nobody asks what a fork's branch points to.
fn own_branch(event: &PullRequestEvent) -> Option<RefName> {
    let head = &event.pull_request.head;
    let is_own = head.repository.as_ref().is_some_and(|head| head.is_same_as(&event.repository));
    head.branch.clone().filter(|_| is_own)
}

/// Whoever tags a commit wants it built, whatever the commit says.
fn push(event: &PushEvent) -> Intention {
    let reference = event.reference.clone();
    match &event.after {
        Some(sha) if matches!(reference, GitRef::Tag(_)) || skip::skip_marker(&event.message).is_none() => {
            Intention::RunPush { reference, sha: sha.clone() }
        }
        sha => Intention::RecordRef { reference, sha: sha.clone() },
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::{CommitSha, Head, Login, PullRequest, PullRequestNumber};

    use super::*;

    fn sha(digit: char) -> CommitSha {
        digit.to_string().repeat(40).parse().expect("a SHA")
    }

    fn pull_request_event(action: PullRequestAction) -> Event {
        Event::PullRequest(PullRequestEvent {
            repository: "acme/shop".parse().expect("a repository"),
            action,
            pull_request: PullRequest {
                number: PullRequestNumber(7),
                author: Some("dora".parse::<Login>().expect("a login").into()),
                head: Head { sha: Some(sha('a').into()), ..Head::default() },
                base: None,
            },
        })
    }

    fn push_event(after: Option<CommitSha>) -> Event {
        Event::Push(PushEvent {
            repository: "acme/shop".parse().expect("a repository"),
            reference: "refs/tags/v1".parse().expect("a ref"),
            after,
            message: "Release 1.0 [skip ci]".to_owned(),
            sender: None,
        })
    }

    #[test]
    fn what_changes_the_merge_result_runs_the_pull_request() {
        use PullRequestAction::{BaseChanged, Opened, Reopened, Synchronized, TitleChanged, Updated};
        for action in [Opened, Reopened, Synchronized, BaseChanged, TitleChanged, Updated] {
            let [command] = &commands(&pull_request_event(action))[..] else {
                unreachable!("{action:?}: one command")
            };
            let expected = Intention::RunPullRequest {
                branch: None,
                pull_request: PullRequestNumber(7),
                head: Some(sha('a').into()),
                author: Some("dora".parse().expect("a login")),
            };
            assert_eq!(command.intention, expected, "{action:?}");
            assert_eq!(command.repository.as_str(), "acme/shop");
        }
    }

    #[test]
    fn only_a_head_in_the_base_repository_is_hinted_at_with_its_branch() {
        for (repository, expected) in
            [(None, None), (Some("ACME/shop"), Some("fix")), (Some("steve/shop"), None)]
        {
            let mut event = pull_request_event(PullRequestAction::Opened);
            if let Event::PullRequest(event) = &mut event {
                let parse = |path: &str| path.parse().expect("a repository");
                event.pull_request.head.branch = "fix".parse().ok();
                event.pull_request.head.repository = repository.map(parse);
            }
            let [Command { intention: Intention::RunPullRequest { branch, .. }, .. }] = &commands(&event)[..]
            else {
                unreachable!("one command")
            };
            assert_eq!(branch.as_ref().map(RefName::as_str), expected, "{repository:?}");
        }
    }

    #[test]
    fn what_ends_the_pull_request_cancels() {
        for action in [PullRequestAction::Closed, PullRequestAction::Merged] {
            let [command] = &commands(&pull_request_event(action))[..] else {
                unreachable!("{action:?}: one command")
            };
            assert_eq!(command.intention, Intention::Cancel { pull_request: PullRequestNumber(7) });
        }
    }

    #[test]
    fn a_push_runs_and_a_deletion_is_recorded_alone() {
        let [command] = &commands(&push_event(Some(sha('b'))))[..] else { unreachable!("one command") };
        let reference = "refs/tags/v1".parse().expect("a ref");
        assert_eq!(command.intention, Intention::RunPush { reference, sha: sha('b') });
        let [command] = &commands(&push_event(None))[..] else { unreachable!("one command") };
        let reference = "refs/tags/v1".parse().expect("a ref");
        assert_eq!(command.intention, Intention::RecordRef { reference, sha: None });
    }

    #[test]
    fn a_branch_whose_head_commit_asks_for_it_is_recorded_alone_and_a_tag_runs() {
        let Event::Push(mut event) = push_event(Some(sha('b'))) else { unreachable!("a push") };
        event.reference = "refs/heads/main".parse().expect("a ref");
        let recorded = Intention::RecordRef { reference: event.reference.clone(), sha: Some(sha('b')) };
        assert_eq!(commands(&Event::Push(event.clone()))[0].intention, recorded);
        event.message = "Release 1.0".to_owned();
        let run = Intention::RunPush { reference: event.reference.clone(), sha: sha('b') };
        assert_eq!(commands(&Event::Push(event))[0].intention, run);
    }
}
