//! Durations in Go's notation, as Tekton's API and messages have them.
//!
//! Source: <https://pkg.go.dev/time#ParseDuration>

use std::{fmt, str::FromStr, time::Duration};

use jiff::SignedDuration;

/// A duration like `1h30m0s` or `500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GoDuration(pub(crate) Duration);

/// The text is no duration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotADuration;

impl FromStr for GoDuration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        // jiff knows Go's units, and longer ones that Go doesn't.
        let plain = |c: char| c.is_ascii_digit() || ".hms".contains(c);
        let parsed: SignedDuration = text.parse().map_err(|_| NotADuration)?;
        let duration = parsed.try_into().map_err(|_| NotADuration)?;
        if text.chars().all(plain) { Ok(Self(duration)) } else { Err(NotADuration) }
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if seconds == 0 {
            return write!(f, "{}ms", self.0.as_millis());
        }
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if seconds >= 60 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}s", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_go_does() {
        for (text, written) in [
            ("90s", "1m30s"),
            ("1h30m", "1h30m0s"),
            ("1.5h", "1h30m0s"),
            ("1h", "1h0m0s"),
            ("500ms", "500ms"),
            ("59s", "59s"),
        ] {
            let parsed: GoDuration = text.parse().expect("a duration");
            assert_eq!(parsed.to_string(), written);
        }
        for bad in ["", "5", "h", "1d", "1h 2m", "-1s", "1..5s"] {
            assert_eq!(bad.parse::<GoDuration>(), Err(NotADuration), "{bad:?}");
        }
    }
}
