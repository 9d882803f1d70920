//! When a host delivered nothing. Pure.
//!
//! A host that disables a hook, and a person who deletes one, lose events. The next check repairs the hook. The gap began after
//! the last check that saw it as it should be.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tidegate_resources::{DeliveryGap, WebhookStatus};

/// How exactly the last good check is remembered. Each memory is a write of the status.
const EXACTNESS: SignedDuration = SignedDuration::from_hours(1);

/// How long the condition names a gap.
const SHOWN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The webhook after a check at which it is as it should be. `is_interrupted`: the host had stopped its deliveries.
pub fn checked(
    webhook: WebhookStatus,
    known: &WebhookStatus,
    is_interrupted: bool,
    now: Timestamp,
) -> WebhookStatus {
    let seen_at = known.seen_at.clone().filter(|seen| !is_interrupted && is_within(seen, EXACTNESS, now));
    let gap = if is_interrupted {
        Some(DeliveryGap { since: known.seen_at.clone(), until: now.to_string() })
    } else {
        known.gap.clone()
    };
    WebhookStatus { seen_at: seen_at.or_else(|| Some(now.to_string())), gap, ..webhook }
}

/// What the condition says about a gap; `None` without a recent one.
pub fn message(webhook: &WebhookStatus, now: Timestamp) -> Option<String> {
    let DeliveryGap { since, until } =
        webhook.gap.as_ref().filter(|gap| is_within(&gap.until, SHOWN, now))?;
    let since = since.as_ref().map_or_else(|| "its registration".to_owned(), String::clone);
    Some(format!(
        "the host had stopped deliveries: events between {since} and {until} may be missing; Tidegate compares what is open on \
         the host with what it knows"
    ))
}

fn is_within(time: &str, span: SignedDuration, now: Timestamp) -> bool {
    time.parse::<Timestamp>().is_ok_and(|time| now.duration_since(time) < span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_good_check_is_remembered_to_the_hour() {
        let first = checked(WebhookStatus::default(), &WebhookStatus::default(), false, at(0));
        assert_eq!(first.seen_at.as_deref(), Some("1970-01-01T00:00:00Z"));
        let soon = checked(WebhookStatus::default(), &first, false, at(3599));
        assert_eq!(soon, first, "nothing is written");
        let later = checked(WebhookStatus::default(), &first, false, at(3600));
        assert_eq!(later.seen_at.as_deref(), Some("1970-01-01T01:00:00Z"));
        assert_eq!(message(&later, at(3600)), None);
    }

    #[test]
    fn a_gap_lasts_from_the_last_good_check_to_the_repair_and_is_shown_for_a_week() {
        let known = checked(WebhookStatus::default(), &WebhookStatus::default(), false, at(0));
        let repaired = checked(WebhookStatus::default(), &known, true, at(600));
        let gap = repaired.gap.clone().expect("a gap");
        assert_eq!(
            (gap.since.as_deref(), &*gap.until),
            (Some("1970-01-01T00:00:00Z"), "1970-01-01T00:10:00Z")
        );
        assert_eq!(repaired.seen_at.as_deref(), Some("1970-01-01T00:10:00Z"));
        let later = checked(WebhookStatus::default(), &repaired, false, at(700));
        assert_eq!(later, repaired, "it stays");
        let text = message(&later, at(700)).expect("a message");
        assert!(text.contains("between 1970-01-01T00:00:00Z and 1970-01-01T00:10:00Z"), "{text}");
        assert_eq!(message(&later, at(600 + 7 * 24 * 3600)), None);
    }
}
