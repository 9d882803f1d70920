//! How the start of a function is judged.

/// What becomes of a start that takes too long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartupBudget {
    /// It is a failure.
    Enforce,
    /// It is printed: on a machine that is busy with other work the figure is not the function's alone.
    Report,
}
