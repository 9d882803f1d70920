//! The fields that a log line may have. They are a contract with whoever searches the logs (docs/operate.md).

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Map, Value};

use crate::LogLine;

/// Every field, with those that the subscriber and Lambda's runtime add.
const FIELDS: [&str; 35] = [
    "timestamp",
    "level",
    "target",
    "message",
    "command",
    "delay_ms",
    "delivery.id",
    "duration_ms",
    "error",
    "event",
    "events",
    "hook.id",
    "host",
    "http.address",
    "integration_config",
    "integration_job",
    "integration_ledger",
    "key.id",
    "loop",
    "message.id",
    "name",
    "namespace",
    "operation",
    "outcome",
    "phase",
    "plugin",
    "queue",
    "reason",
    "replica",
    "repo",
    "status.context",
    "trace.id",
    "url",
    // Of the span that Lambda's runtime opens for each invocation.
    "requestId",
    "xrayTraceId",
];

/// Each field of each line is a known one.
pub(super) fn check(lines: &[LogLine]) -> Result<()> {
    let found: BTreeSet<String> = lines.iter().flat_map(|line| unknown(&line.text)).collect();
    let example = lines.iter().find(|line| !unknown(&line.text).is_empty());
    ensure!(found.is_empty(), "log fields that are not in the vocabulary: {found:?}, as in {example:?}");
    Ok(())
}

/// The unknown fields of a line. A function's lines begin with its name; a line that is no JSON has none.
fn unknown(text: &str) -> Vec<String> {
    let json = text.find('{').map_or("", |start| &text[start..]);
    let fields: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    fields.into_iter().map(|(name, _)| name).filter(|name| !FIELDS.contains(&name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_name_is_named() {
        let line = |text: &str| LogLine { level: "INFO".to_owned(), text: text.to_owned() };
        assert!(check(&[line(r#"{"message": "m", "repo": "acme/shop"}"#)]).is_ok());
        let error = check(&[line(r#"webhook: {"repository": "acme/shop"}"#)]).expect_err("unknown");
        assert!(error.to_string().contains("repository"), "{error}");
    }
}
