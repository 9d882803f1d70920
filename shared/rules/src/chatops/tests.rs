use tidegate_model::{CommentId, CommentPointer, CommitCommentEvent, PullRequestNumber};

use super::{permission::Who, registry::COMMANDS, *};

fn comment(action: CommentAction, text: &str) -> Event {
    Event::Comment(CommentEvent {
        repository: "acme/shop".parse().expect("a repository"),
        action,
        pull_request: PullRequestNumber(7),
        comment: CommentPointer::Comment(CommentId(9)),
        author: "dora".parse::<tidegate_model::Login>().expect("a login").into(),
        may_hold_command: CommentEvent::may_hold_command(text),
    })
}

#[test]
fn a_new_comment_with_a_slash_at_the_start_of_a_line_is_one_pointer_whatever_the_word() {
    for text in ["/retest\n/test nope!", "/lgtm", "Please:\r\n  /a-word-of-tomorrow", "```\n/test\n```"] {
        let [command] = &commands(&comment(CommentAction::Created, text))[..] else {
            unreachable!("{text:?}: one command")
        };
        let expected = Intention::FollowComment {
            pull_request: PullRequestNumber(7),
            comment: CommentPointer::Comment(CommentId(9)),
        };
        assert_eq!(command.intention, expected, "{text:?}");
        assert_eq!(command.repository.as_str(), "acme/shop");
    }
}

#[test]
fn a_comment_on_a_commit_with_a_slash_at_the_start_of_a_line_is_one_pointer() {
    let event = |may_hold_command| {
        Event::CommitComment(CommitCommentEvent {
            repository: "acme/shop".parse().expect("a repository"),
            commit: "a".repeat(40).parse().expect("a SHA"),
            comment: CommentId(9),
            may_hold_command,
        })
    };
    let [command] = &commands(&event(true))[..] else { unreachable!("one command") };
    let commit = "a".repeat(40).parse().expect("a SHA");
    assert_eq!(command.intention, Intention::FollowCommitComment { commit, comment: CommentId(9) });
    assert_eq!(commands(&event(false)), []);
}

#[test]
fn a_pointer_to_a_review_is_passed_on() {
    let Event::Comment(mut event) = comment(CommentAction::Created, "/test") else {
        unreachable!("a comment")
    };
    event.comment = CommentPointer::Review { review: CommentId(3) };
    let [command] = &commands(&Event::Comment(event.clone()))[..] else { unreachable!("one command") };
    let Intention::FollowComment { comment, .. } = &command.intention else { unreachable!("a comment") };
    assert_eq!(*comment, event.comment);
}

#[test]
fn edited_comments_and_mere_talk_ask_for_nothing() {
    assert_eq!(commands(&comment(CommentAction::Edited, "/retest")), []);
    assert_eq!(commands(&comment(CommentAction::Created, "I would not /retest")), []);
}

#[test]
fn the_help_names_every_form_of_every_command_and_who_may_use_it() {
    let help = help();
    for entry in COMMANDS {
        for (form, meaning) in entry.forms {
            let line = format!("| `{form}` | {meaning} | {} |", entry.who.description());
            assert!(help.contains(&line), "{line} is missing in:\n{help}");
            assert!(form.starts_with(&format!("/{}", entry.name)), "{form}");
        }
    }
}

#[test]
fn approving_takes_more_than_being_the_author() {
    assert_eq!(ChatCommand::Approve { sha: None }.who(), Who::Writer);
    assert_eq!(ChatCommand::RunFailed.who(), Who::WriterOrAuthor);
    assert_eq!(ChatCommand::Help.who(), Who::Anybody);
}
