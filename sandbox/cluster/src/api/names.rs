//! Names, labels and what the server makes up.
//!
//! Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>

use rand::RngExt as _;
use serde_json::Value;

use super::{failure::Cause, object, served::Resource};

const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
     and must start and end with an alphanumeric character";
const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
     and must start and end with an alphanumeric character";
const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
     and must start and end with an alphanumeric character, and be no more than 63 characters";
/// Of all annotations together, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// What is wrong with an object's name, labels and annotations.
pub(crate) fn check(resource: Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object::text(object, "/metadata/name");
    if name.is_empty() {
        causes.push(Cause {
            reason: "FieldValueRequired",
            field: "metadata.name".to_owned(),
            message: "Required value: name or generateName is required".to_owned(),
        });
    } else if resource == Resource::Namespace && !is_dns_label(name) {
        causes.push(Cause::invalid("metadata.name", format!("{name:?}: {LABEL_RULE}")));
    } else if !is_dns_subdomain(name) {
        causes.push(Cause::invalid("metadata.name", format!("{name:?}: {SUBDOMAIN_RULE}")));
    }
    for (key, value) in entries(object, "/metadata/labels") {
        if !is_qualified_name(key) {
            causes.push(Cause::invalid("metadata.labels", format!("{key:?}: not a qualified name")));
        }
        if !value.as_str().is_some_and(is_label_value) {
            causes.push(Cause::invalid("metadata.labels", format!("{value}: {LABEL_VALUE_RULE}")));
        }
    }
    let mut size = 0;
    for (key, value) in entries(object, "/metadata/annotations") {
        size += key.len() + value.as_str().map_or(0, str::len);
        if !is_qualified_name(&key.to_lowercase()) || !value.is_string() {
            causes.push(Cause::invalid(
                "metadata.annotations",
                format!("{key:?}: needs a qualified name and a string"),
            ));
        }
    }
    if size > MAX_ANNOTATIONS {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            field: "metadata.annotations".to_owned(),
            message: format!("Too long: may not be more than {MAX_ANNOTATIONS} bytes"),
        });
    }
    causes
}

fn entries<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_dns_part(text)
}

fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_part)
}

fn is_dns_part(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_name_part(text)
}

fn is_name_part(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && edge(text.chars().next())
        && edge(text.chars().last())
}

fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_name_part(name),
        None => is_name_part(text),
    }
}

/// A name from its prefix and five characters that say nothing.
pub(crate) fn generated(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut rng = rand::rng();
    let suffix: String = (0..5).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect();
    format!("{prefix}{suffix}")
}

/// A random UUID (version 4).
pub(crate) fn uid() -> String {
    let bits = rand::random::<u128>() & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(metadata: &Value) -> usize {
        check(Resource::ConfigMap, &json!({"metadata": metadata})).len()
    }

    #[test]
    fn names_and_labels_follow_kubernetes_rules() {
        for good in ["a", "a-b.c", "0", &"a".repeat(253)] {
            assert_eq!(problems(&json!({"name": good})), 0, "{good}");
        }
        for bad in ["", "A", "-a", "a-", "a..b", "a_b", "ä", &"a".repeat(254)] {
            assert_eq!(problems(&json!({"name": bad})), 1, "{bad}");
        }
        let labels = |key: &str, value: &str| problems(&json!({"name": "a", "labels": {key: value}}));
        assert_eq!(labels("tidegate.dev/config", "A_b.c"), 0);
        assert_eq!(labels("config", ""), 0);
        assert_eq!(labels("a/b/c", "x"), 1);
        assert_eq!(labels("config", "acme/web"), 1);
        assert_eq!(labels("config", &"a".repeat(64)), 1);
        let annotations = |text: String| problems(&json!({"name": "a", "annotations": {"Tide/Gate": text}}));
        assert_eq!(annotations("any text/with anything".to_owned()), 0);
        assert_eq!(annotations("x".repeat(MAX_ANNOTATIONS)), 1);
    }

    #[test]
    fn a_uid_is_a_random_uuid() {
        let uid = uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(uid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uid.as_bytes()[19]));
    }
}
