//! Time limits as people write them.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::ParseError;

/// A time limit of whole seconds, written like `90s`, `30m` or `1h30m`; at least one second, at most 7 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeout(Duration);

impl Timeout {
    const MAX_SECONDS: u64 = 7 * 24 * 3600;
    const RULE: &str = "expected hours, minutes and seconds like 1h30m, from 1s to 168h";

    /// The limit as a duration.
    pub fn as_duration(self) -> Duration {
        self.0
    }

    /// A limit of so many minutes, for defaults.
    pub const fn from_minutes(minutes: u64) -> Self {
        Self(Duration::from_secs(minutes * 60))
    }
}

impl JsonSchema for Timeout {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 2,
            "maxLength": 21,
            "pattern": "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$",
            "x-kubernetes-validations": [{
                "rule": "duration(self) >= duration('1s') && duration(self) <= duration('168h')",
                "message": Self::RULE,
            }],
        })
    }
}

impl FromStr for Timeout {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new("duration", text, Self::RULE);
        let mut seconds = 0_u64;
        let mut rest = text;
        for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
            if let Some((number, after)) = rest.split_once(unit) {
                if number.is_empty() || number.len() > 6 || !number.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(error());
                }
                seconds += number.parse::<u64>().map_err(|_| error())? * factor;
                rest = after;
            }
        }
        if rest.is_empty() && (1..=Self::MAX_SECONDS).contains(&seconds) {
            Ok(Self(Duration::from_secs(seconds)))
        } else {
            Err(error())
        }
    }
}

impl TryFrom<String> for Timeout {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Timeout> for String {
    fn from(timeout: Timeout) -> Self {
        timeout.to_string()
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        for (value, unit) in [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')] {
            if value > 0 {
                write!(f, "{value}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_are_read_as_people_write_them() {
        for (text, seconds) in
            [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2h5s", 7205), ("168h", 604_800)]
        {
            assert_eq!(text.parse::<Timeout>().map(|t| t.as_duration().as_secs()), Ok(seconds), "{text}");
        }
        for bad in ["", "5", "m", "1m1h", "0s", "169h", "-1s", "1.5h", "9999999s", "1h "] {
            assert!(bad.parse::<Timeout>().is_err(), "{bad:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn display_parses_back(seconds in 1_u64..=604_800) {
            let timeout = Timeout(Duration::from_secs(seconds));
            prop_assert_eq!(timeout.to_string().parse::<Timeout>(), Ok(timeout));
        }
    }
}
