//! The words of commit statuses.

use tidegate_model::{CommitStatus, GitRef};

use super::facts::{Left, Shows};

pub(super) const CONFIG_REMOVED: &str = "the config was removed";
pub(crate) const RUN_DELETED: &str = "the run was deleted";
pub(super) const JOB_REMOVED: &str = "no longer in the config";

/// How much of a branch's name a status shows, in characters: what happened must still fit behind it.
const MAX_NAME: usize = 60;

/// Cuts a text to what every host shows.
pub(crate) fn truncate(text: &str) -> String {
    shorten(text, CommitStatus::MAX_DESCRIPTION)
}

fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

/// Why no pull request shows the commit any more.
pub(super) fn left(left: Option<&Left>) -> String {
    match left {
        Some(Left::Closed { number }) => format!("pull request {number} was closed"),
        Some(Left::Merged { number }) => format!("pull request {number} was merged"),
        Some(Left::NewHead { number }) => format!("superseded by a new head of pull request {number}"),
        None => "no pull request or push needs it any more".to_owned(),
    }
}

/// The target, as people know it: `main (#1)`, `main` for a former base, `branch x`, `tag v1`.
pub(super) fn target(shows: &Shows) -> String {
    match shows {
        Shows::PullRequests { base, numbers, .. } => {
            let base = shorten(base.as_str(), MAX_NAME);
            match (numbers.first(), numbers.len()) {
                (Some(first), 1) => format!("{base} (#{first})"),
                (Some(first), more) => format!("{base} (#{first} and {} more)", more - 1),
                (None, _) => base,
            }
        }
        Shows::FormerBase { base, .. } => shorten(base.as_str(), MAX_NAME),
        Shows::Push { reference, .. } => reference_name(reference),
    }
}

/// `branch x` or `tag v1`.
pub(super) fn reference_name(reference: &GitRef) -> String {
    let name = shorten(reference.name().as_str(), MAX_NAME);
    match reference {
        GitRef::Branch(_) => format!("branch {name}"),
        GitRef::Tag(_) => format!("tag {name}"),
    }
}

/// Names the target behind the first words: `failed in 3s` becomes `failed for main (#1) in 3s`. A text that starts in
/// another way follows them.
pub(super) fn name_target(words: &str, shows: &Shows, text: &str) -> String {
    let target = target(shows);
    match text.strip_prefix(words) {
        Some(rest) if !rest.starts_with(char::is_alphanumeric) => format!("{words} for {target}{rest}"),
        _ => format!("{words} for {target}: {text}"),
    }
}

/// What a queued run of a deleted branch or tag says.
pub(crate) fn was_deleted(reference: &GitRef) -> String {
    format!("{} was deleted", reference_name(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull_requests(base: &str, numbers: &[u64]) -> Shows {
        Shows::PullRequests {
            base: base.parse().expect("a branch"),
            numbers: numbers.iter().map(|number| tidegate_model::PullRequestNumber(*number)).collect(),
            rights: crate::trust::Rights::WithoutSecrets,
        }
    }

    #[test]
    fn the_target_follows_the_first_words_or_they_come_before_it() {
        let main = pull_requests("main", &[7]);
        for (words, text, expected) in [
            ("failed", "failed in 3s: exit code 1", "failed for main (#7) in 3s: exit code 1"),
            ("failed", "failed", "failed for main (#7)"),
            ("failed", "failedly", "failed for main (#7): failedly"),
            (
                "failed",
                "can't be merged: conflict in a",
                "failed for main (#7): can't be merged: conflict in a",
            ),
            ("error", "stopped by dora", "error for main (#7): stopped by dora"),
        ] {
            assert_eq!(name_target(words, &main, text), expected);
        }
    }

    #[test]
    fn a_long_branch_name_leaves_room_for_what_happened() {
        let long = pull_requests(&"b".repeat(244), &[7, 8, 9]);
        let text = truncate(&name_target("failed", &long, "failed in 3s: exit code 1"));
        assert!(text.ends_with("… (#7 and 2 more) in 3s: exit code 1"), "{text}");
        assert!(text.chars().count() <= CommitStatus::MAX_DESCRIPTION);
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_ends_in_an_ellipsis() {
        assert_eq!(truncate(&"説".repeat(140)), "説".repeat(140));
        assert_eq!(truncate(&"説".repeat(141)), format!("{}…", "説".repeat(139)));
    }
}
