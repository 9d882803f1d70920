//! Errors as text, for statuses and Events as well as for logs.

/// An error with everything that caused it, in one line: `failed to a: failed to b: connection refused`.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    tidegate_telemetry::chain(error).to_string()
}
