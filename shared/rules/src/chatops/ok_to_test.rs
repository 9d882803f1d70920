//! `/ok-to-test`

use super::{ChatCommand, Entry, grammar::quoted, who::Who};

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
