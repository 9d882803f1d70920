//! Errors as people read them.

use std::{error::Error, fmt::Write as _};

/// An error with everything that caused it, in one line: `failed to a: failed to b: connection refused`.
///
/// Our own errors never repeat their source in their message, so each cause appears once; a library's may.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            // Writing to a String can't fail.
            let _ = write!(text, ": {message}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read the file")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn every_cause_appears_once() {
        let error = Outer(std::io::Error::other("the disk is gone"));
        assert_eq!(error_chain(&error), "failed to read the file: the disk is gone");
    }
}
