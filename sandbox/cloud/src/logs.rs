//! What the functions print.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// One line of a function's standard output or standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function's name.
    pub function: String,
    /// The line, without its end.
    pub text: String,
}

/// The newest lines of all functions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<VecDeque<LogLine>>>);

impl Logs {
    const MAX_LINES: usize = 10_000;

    pub(crate) fn push(&self, function: &str, text: String) {
        tracing::debug!(function, "{text}");
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Self::MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(LogLine { function: function.to_owned(), text });
    }

    pub(crate) fn lines(&self) -> Vec<LogLine> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}
