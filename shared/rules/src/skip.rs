//! The marks by which an author leaves CI out: in a pull request's title, or in the message of a pushed commit.

/// The marks, in small letters.
const MARKS: [&str; 2] = ["[skip ci]", "[ci skip]"];

/// The mark that a text holds, in any case.
pub fn skip_marker(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    MARKS.into_iter().find(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_marks_count_anywhere_and_in_any_case() {
        assert_eq!(skip_marker("Fix a typo [skip ci]"), Some("[skip ci]"));
        assert_eq!(skip_marker("[CI Skip] docs\n\nmore"), Some("[ci skip]"));
        assert_eq!(skip_marker("docs\n\nlong story [Skip CI]"), Some("[skip ci]"));
        for other in ["skip ci", "[skip-ci]", "[skip  ci]", "[no ci]", ""] {
            assert_eq!(skip_marker(other), None, "{other}");
        }
    }
}
