//! W3C trace context.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// A `traceparent` of version 00: `00-{trace id, 32 hex}-{parent id, 16 hex}-{flags, 2 hex}`.
///
/// Source: <https://www.w3.org/TR/trace-context/#traceparent-header>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceParent(String);

impl TraceParent {
    /// A traceparent of these ids, sampled. `None` when one of them is zero, which the standard forbids.
    pub fn from_ids(trace_id: u128, parent_id: u64) -> Option<Self> {
        (trace_id != 0 && parent_id != 0).then(|| Self(format!("00-{trace_id:032x}-{parent_id:016x}-01")))
    }

    /// The header's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trace id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.0[3..35]
    }
}

impl FromStr for TraceParent {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_hex = |s: &str, len: usize| {
            s.len() == len && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let is_set = |s: &str| s.bytes().any(|b| b != b'0');
        match parts[..] {
            ["00", trace, parent, flags]
                if is_hex(trace, 32)
                    && is_set(trace)
                    && is_hex(parent, 16)
                    && is_set(parent)
                    && is_hex(flags, 2) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ParseError::new(
                "traceparent",
                text,
                "expected 00-{32 hex}-{16 hex}-{2 hex}, ids not zero",
            )),
        }
    }
}

impl TryFrom<String> for TraceParent {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<TraceParent> for String {
    fn from(traceparent: TraceParent) -> Self {
        traceparent.0
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_00_with_ids_that_are_not_zero_is_accepted() {
        let good = TraceParent::from_ids(1, 2).expect("ids are set");
        assert_eq!(good.as_str().parse::<TraceParent>().as_ref(), Ok(&good));
        assert_eq!(good.trace_id(), format!("{:032x}", 1));
        assert!(TraceParent::from_ids(0, 2).is_none());
        for bad in [
            "",
            "00-0-0-0",
            &good.as_str().replace("00-", "01-"),
            &good.as_str().to_uppercase().replace('1', "A"),
        ] {
            assert!(bad.parse::<TraceParent>().is_err(), "{bad:?} was accepted");
        }
    }
}
