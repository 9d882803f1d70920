//! The comment that replaces commit statuses which a host doesn't take: those of a fork's head. There is one for each config
//! and pull request, kept up to date.

use std::fmt::Write as _;

use k8s_openapi::jiff::Timestamp;
use tidegate_hosts::client::CommentFacts;
use tidegate_model::{CommitSha, PullRequestNumber, StatusState};

use crate::host::{CallError, RepositoryClient};

/// What the comment is found by begins with this.
const MARKER: &str = "<!-- tidegate-statuses:";

/// A row of the comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name of the status.
    pub context: String,
    /// Its state.
    pub state: StatusState,
    /// Its text.
    pub text: String,
    /// The page that it links to.
    pub page: Option<String>,
}

/// The comment in Markdown. `digest` names the config.
pub fn body(head: &CommitSha, rows: &[Row], digest: &str) -> String {
    let mut text = format!(
        "The host keeps the statuses of a fork's head in the fork, where Tidegate may not write. They are, for `{head}`:\n\n\
         | status | | |\n|---|---|---|\n"
    );
    for Row { context, state, text: words, page } in rows {
        let (sign, name) = match state {
            StatusState::Pending => ("🟡", "pending"),
            StatusState::Success => ("✅", "success"),
            StatusState::Failure => ("❌", "failure"),
            StatusState::Error => ("❌", "error"),
        };
        let context = cell(context);
        let context =
            page.as_ref().map_or_else(|| format!("`{context}`"), |page| format!("[`{context}`]({page})"));
        // Writing to a String can't fail.
        let _ = writeln!(text, "| {context} | {sign} {name} | {} |", cell(words));
    }
    let _ = write!(text, "\n{MARKER} {digest} -->");
    text
}

/// A text that stays within its cell, and means nothing in Markdown or HTML.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '@' | '\\' | '#' | '!' => {
                cell.extend(['\\', letter]);
            }
            letter if letter.is_control() => cell.push(' '),
            letter => cell.push(letter),
        }
    }
    cell
}

/// Writes the comment, unless it has this text already. Nobody knows its marker before it is there, so the oldest comment with the
/// marker is ours.
pub async fn write(
    host: &RepositoryClient,
    number: PullRequestNumber,
    body: &str,
    digest: &str,
) -> Result<(), CallError> {
    let marker = format!("{MARKER} {digest} -->");
    let comments = host.list_comments(number, Timestamp::UNIX_EPOCH).await?;
    let is_it = |comment: &&CommentFacts| comment.body.contains(&marker);
    match comments.iter().filter(is_it).min_by_key(|comment| comment.id) {
        Some(own) if own.body.trim() == body.trim() => Ok(()),
        Some(own) => host.update_comment(number, own.id, body).await,
        None => host.create_comment(number, body).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_a_row_that_no_text_breaks() {
        let row = |context: &str, state, text: &str, page: Option<&str>| Row {
            context: context.to_owned(),
            state,
            text: text.to_owned(),
            page: page.map(str::to_owned),
        };
        let rows = [
            row("tidegate/shop/unit", StatusState::Success, "succeeded in 4s", Some("https://ci.example/r")),
            row("tidegate/shop", StatusState::Error, "a | b\n/merge @all <b>", None),
        ];
        let head = "a".repeat(40).parse().expect("a SHA");
        let text = body(&head, &rows, "0123");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].ends_with(&format!("`{head}`:")), "{text}");
        assert_eq!(
            lines[4..6],
            [
                "| [`tidegate/shop/unit`](https://ci.example/r) | ✅ success | succeeded in 4s |",
                "| `tidegate/shop` | ❌ error | a \\| b /merge \\@all \\<b\\> |",
            ]
        );
        assert!(text.ends_with("\n<!-- tidegate-statuses: 0123 -->"), "{text}");
    }
}
