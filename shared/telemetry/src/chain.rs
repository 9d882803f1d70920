//! An error with its causes on one line.

use std::{error::Error, fmt};

/// Displays an error and, after a colon each, its causes.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a dyn Error);

/// The error and its causes on one line, for a log field: our errors never repeat their source in their own text.
pub fn chain(error: &dyn Error) -> Chain<'_> {
    Chain(error)
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to send to queue events")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn the_causes_follow_the_error() {
        let error = Outer(std::io::Error::other("connection refused"));
        assert_eq!(chain(&error).to_string(), "failed to send to queue events: connection refused");
    }
}
