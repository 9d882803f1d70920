//! Which salt a config's hook has, and which salts its events may have. Pure.
//!
//! Another value of the annotation `tidegate.dev/rotate-webhook` creates a new salt. Then the hook is registered again, and the
//! old one stays until the next check. Both salts are valid meanwhile. Once the host shows only the new hook, an event of the
//! old salt is valid if it was received before: it may have been queued.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use tidegate_hosts::hook::Salt;
use tidegate_model::SaltId;
use tidegate_resources::{
    IntegrationConfig, IntegrationConfigStatus, RetiredSalt, WebhookStatus, annotation, digest,
};

/// A config's webhook with its present salt.
pub fn wanted(config: &IntegrationConfig, new_salt: impl FnOnce() -> Salt) -> WebhookStatus {
    let known = config.status.as_ref().and_then(|status| status.webhook.as_ref());
    let request = config.annotations().get(annotation::ROTATE_WEBHOOK);
    with_salt(known, request.map(String::as_str), new_salt)
}

/// The config's status with this webhook; equal to its status if that needs no write.
pub fn stored(config: &IntegrationConfig, webhook: &WebhookStatus) -> IntegrationConfigStatus {
    let status = config.status.clone().unwrap_or_default();
    IntegrationConfigStatus { webhook: Some(webhook.clone()), ..status }
}

fn with_salt(
    known: Option<&WebhookStatus>,
    request: Option<&str>,
    new_salt: impl FnOnce() -> Salt,
) -> WebhookStatus {
    let rotation = request.map(|request| digest(&[request]));
    match known {
        None => WebhookStatus { salt: new_salt().to_string(), rotation, ..WebhookStatus::default() },
        Some(known) if rotation.is_some() && known.rotation != rotation => {
            WebhookStatus { salt: new_salt().to_string(), rotation, ..known.clone() }
        }
        Some(known) => known.clone(),
    }
}

/// The salts that were replaced, once the hook of the present one is on the host. `is_alone`: the host shows no older one any
/// more.
pub fn retired(known: &WebhookStatus, is_alone: bool, now: Timestamp) -> Vec<RetiredSalt> {
    let mut retired = known.retired.clone();
    if let Some(salt) = known.replaced_salt() {
        retired.push(RetiredSalt { salt: salt.to_owned(), until: None });
    }
    if is_alone {
        for salt in retired.iter_mut().filter(|salt| salt.until.is_none()) {
            salt.until = Some(now.to_string());
        }
    }
    let surplus = retired.len().saturating_sub(WebhookStatus::MAX_RETIRED);
    retired.drain(..surplus);
    retired
}

/// Whether an event with this salt that was received then is valid.
pub fn counts(webhook: &WebhookStatus, salt: &SaltId, received_at: Timestamp) -> bool {
    let is = |text: &str| text.parse::<Salt>().is_ok_and(|known| known.id() == *salt);
    let came_in_time = |retired: &RetiredSalt| {
        retired.until.as_ref().is_none_or(|until| until.parse().is_ok_and(|until| received_at <= until))
    };
    is(&webhook.salt)
        || webhook.replaced_salt().is_some_and(is)
        || webhook.retired.iter().any(|retired| is(&retired.salt) && came_in_time(retired))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "11111111111111111111111111111111";
    const SECOND: &str = "22222222222222222222222222222222";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn salt(text: &str) -> Salt {
        text.parse().expect("a salt")
    }

    fn registered(salt: &str) -> WebhookStatus {
        WebhookStatus {
            salt: salt.to_owned(),
            id: Some("7".to_owned()),
            url: Some(format!("https://ci/hooks/gitea/ci/shop/{salt}")),
            ..WebhookStatus::default()
        }
    }

    #[test]
    fn a_new_value_of_the_annotation_makes_one_new_salt() {
        let first = with_salt(None, None, || salt(FIRST));
        assert_eq!((&*first.salt, &first.rotation), (FIRST, &None));
        let known = registered(FIRST);
        assert_eq!(with_salt(Some(&known), None, || unreachable!("no request")), known);
        let second = with_salt(Some(&known), Some("leaked"), || salt(SECOND));
        assert_eq!((&*second.salt, second.replaced_salt()), (SECOND, Some(FIRST)));
        assert_eq!(with_salt(Some(&second), Some("leaked"), || unreachable!("the same request")), second);
        assert_eq!(with_salt(Some(&second), None, || unreachable!("the annotation was removed")), second);
    }

    #[test]
    fn both_salts_count_until_the_host_shows_the_new_hook_alone_and_then_what_had_come_before() {
        let (old, new) = (salt(FIRST).id(), salt(SECOND).id());
        let renewed = with_salt(Some(&registered(FIRST)), Some("1"), || salt(SECOND));
        // In the status, and not on the host yet.
        assert!(counts(&renewed, &old, at(9)) && counts(&renewed, &new, at(9)));
        // Both hooks exist.
        let beside = WebhookStatus { retired: retired(&renewed, false, at(10)), ..registered(SECOND) };
        assert!(counts(&beside, &old, at(99)) && counts(&beside, &new, at(99)));
        // The old one is deleted.
        let alone = WebhookStatus { retired: retired(&beside, true, at(100)), ..registered(SECOND) };
        assert!(counts(&alone, &old, at(100)), "it was queued before");
        assert!(!counts(&alone, &old, at(101)) && counts(&alone, &new, at(101)));
        let later = retired(&alone, true, at(200));
        assert_eq!(later, alone.retired, "the time of a replaced salt never moves");
        assert!(!counts(&alone, &salt("33333333333333333333333333333333").id(), at(0)));
    }

    #[test]
    fn a_few_replaced_salts_are_remembered() {
        let mut known = registered(FIRST);
        for round in 0..9 {
            let next = format!("{round:032}");
            let renewed = with_salt(Some(&known), Some(&next), || salt(&next));
            known = WebhookStatus {
                retired: retired(&renewed, true, at(round)),
                rotation: renewed.rotation,
                ..registered(&next)
            };
        }
        assert_eq!(known.retired.len(), WebhookStatus::MAX_RETIRED);
        assert_eq!(known.retired.last().map(|last| &*last.salt), Some(&*format!("{:032}", 7)));
    }
}
