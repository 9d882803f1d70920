use tidegate_model::{CommentId, PullRequestNumber};

use super::*;

fn comment(action: CommentAction, body: &str) -> Event {
    Event::Comment(CommentEvent {
        repository: "acme/shop".parse().expect("a repository"),
        action,
        pull_request: PullRequestNumber(7),
        comment: CommentId(9),
        author: "dora".parse().expect("a login"),
        body: body.to_owned(),
    })
}

#[test]
fn a_new_comment_is_one_command_for_all_that_it_asks_for() {
    let [command] = &commands(&comment(CommentAction::Created, "/retest\n/test nope!"))[..] else {
        unreachable!("one command")
    };
    let expected = Intention::FollowComment {
        pull_request: PullRequestNumber(7),
        comment: CommentId(9),
        commands: vec![ChatCommand::RunFailed, ChatCommand::Unreadable],
    };
    assert_eq!(command.intention, expected);
    assert_eq!(command.repository.as_str(), "acme/shop");
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
    assert_eq!(who(&ChatCommand::Approve { sha: None }), Who::Writer);
    assert_eq!(who(&ChatCommand::RunFailed), Who::WriterOrAuthor);
    assert_eq!(who(&ChatCommand::Help), Who::Anybody);
}
