use tidegate_model::{Account, CommentId, CommentPointer, Head, Login, PullRequest, PullRequestNumber};

use super::*;
use crate::inbound::Author;

fn account() -> Account {
    // As Bitbucket shows people.
    let id: Login = "{d301aafa-d676-4ee0-88be-962be7417567}".parse().expect("a login");
    Account { id, name: Some("Dora Lange".to_owned().into()) }
}

fn pull_request_event(change: Change) -> Result<PullRequestAction, Ignored> {
    let shown = PullRequestChange {
        // As GitLab and Bitbucket show them: groups, an `iid`, and a hash of 12 digits.
        repository: "acme/web/front-end/shop".parse().expect("a repository"),
        change,
        pull_request: PullRequest {
            number: PullRequestNumber(7),
            author: Some(account()),
            head: Head { sha: "d3022fc0ca3d".parse().ok(), ..Head::default() },
            base: None,
        },
    };
    match normalise(Inbound::PullRequest(shown)) {
        Outcome::Events(events) => {
            let [Event::PullRequest(event)] = &events[..] else { unreachable!("{events:?}") };
            assert_eq!(event.pull_request.author, Some(account()));
            assert_eq!(
                event.pull_request.head.sha.as_ref().map(ToString::to_string).as_deref(),
                Some("d3022fc0ca3d")
            );
            Ok(event.action)
        }
        Outcome::Ignored(reason) => Err(reason),
    }
}

#[test]
fn an_edit_is_an_event_by_the_most_that_it_changes() {
    let edited = |base, title| pull_request_event(Change::Edited(Edited { base, title }));
    assert_eq!(edited(true, true), Ok(PullRequestAction::BaseChanged));
    assert_eq!(edited(false, true), Ok(PullRequestAction::TitleChanged));
    assert_eq!(edited(false, false), Err(Ignored::UnusedAction));
}

#[test]
fn what_is_unused_by_its_action_alone_is_unused_as_a_whole() {
    use Change::{Closed, HeadMoved, Merged, Opened, Reopened, Updated};
    for change in [Opened, Reopened, HeadMoved, Updated, Closed, Merged] {
        assert_eq!((change.unused(), pull_request_event(change).is_ok()), (None, true));
    }
    for change in [Change::LabelsChanged, Change::Other] {
        assert_eq!(change.unused(), pull_request_event(change).err());
        assert_eq!(change.unused(), Some(Ignored::UnusedAction));
    }
    assert_eq!(
        Change::Edited(Edited::default()).unused(),
        None,
        "the rest of the delivery says what was edited"
    );
}

fn pushed(refs: &[(&str, Option<char>)]) -> Outcome {
    let change = |(reference, digit): &(&str, Option<char>)| RefChange {
        reference: reference.parse().expect("a ref"),
        after: digit.map(|digit| digit.to_string().repeat(40).parse().expect("a SHA")),
        message: "é".repeat(PushEvent::MAX_MESSAGE).into(),
    };
    normalise(Inbound::Push(Push {
        repository: "acme/shop".parse().expect("a repository"),
        sender: Some(account()),
        changes: refs.iter().map(change).collect(),
    }))
}

#[test]
fn a_push_of_several_refs_is_an_event_for_each_in_their_order() {
    let refs = [("refs/heads/main", Some('a')), ("refs/heads/old", None), ("refs/tags/v1", Some('b'))];
    let Outcome::Events(events) = pushed(&refs) else { unreachable!("no events") };
    assert_eq!(events.len(), refs.len());
    for (event, (reference, digit)) in events.iter().zip(refs) {
        let Event::Push(push) = event else { unreachable!("{event:?}") };
        let after = push.after.as_ref().map(ToString::to_string);
        assert_eq!(
            (push.reference.to_string().as_str(), after),
            (reference, digit.map(|d| d.to_string().repeat(40)))
        );
        assert_eq!((push.message.len(), push.sender.clone()), (PushEvent::MAX_MESSAGE, Some(account())));
    }
    assert_eq!(pushed(&[]), Outcome::Ignored(Ignored::OtherRef));
}

fn written(change: CommentChange, place: Place, is_bot: bool) -> Result<Event, Ignored> {
    comment(Comment {
        repository: "acme/shop".parse().expect("a repository"),
        change,
        place,
        author: Author { account: account(), is_bot },
        text: "Please\n/test".into(),
    })
}

#[test]
fn a_comment_is_an_event_where_a_run_can_follow_from_it() {
    use CommentChange::{Created, Deleted, Edited, Other};
    let on_pull_request = || Place::PullRequest(PullRequestNumber(7), CommentPointer::Comment(CommentId(9)));
    let on_commit = || Place::Commit("a".repeat(40).parse().expect("a SHA"), CommentId(9));
    for (change, place, is_bot, expected) in [
        (Created, on_pull_request(), false, Ok(())),
        (Edited, on_pull_request(), false, Ok(())),
        (Created, on_commit(), false, Ok(())),
        (Edited, on_commit(), false, Err(Ignored::UnusedAction)),
        (Deleted, on_pull_request(), false, Err(Ignored::DeletedComment)),
        (Other, on_commit(), false, Err(Ignored::UnusedAction)),
        (Created, on_pull_request(), true, Err(Ignored::BotComment)),
        (Created, on_commit(), true, Err(Ignored::BotComment)),
        (Created, Place::Elsewhere, false, Err(Ignored::PlainIssue)),
        (Deleted, Place::Elsewhere, true, Err(Ignored::PlainIssue)),
    ] {
        let event = written(change, place, is_bot);
        match &event {
            Ok(Event::Comment(event)) => assert!(event.may_hold_command && event.author == account()),
            Ok(Event::CommitComment(event)) => assert!(event.may_hold_command),
            _ => (),
        }
        assert_eq!(event.map(|_| ()), expected);
    }
}
