//! Label and field selectors.
//!
//! Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api>

use kube::core::{Expression, Selector, SelectorExt as _};
use serde_json::Value;

use super::{failure::Failure, object};

/// Which objects of a collection a request is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    labels: Selector,
    /// `metadata.name` and `metadata.namespace` with the values they must have, or must not have (`false`).
    fields: Vec<(&'static str, bool, String)>,
}

impl Filter {
    /// Selects all.
    pub(crate) fn everything() -> &'static Self {
        static EVERYTHING: std::sync::LazyLock<Filter> = std::sync::LazyLock::new(Filter::default);
        &EVERYTHING
    }

    /// Reads `labelSelector` and `fieldSelector`.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, Failure> {
        let labels =
            split_outside_parentheses(labels).into_iter().map(expression).collect::<Result<Selector, _>>()?;
        let fields =
            fields.split(',').filter(|part| !part.is_empty()).map(field).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// Whether the object is meant.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.matches(&object::labels(object))
            && self
                .fields
                .iter()
                .all(|(pointer, equal, value)| (object::text(object, pointer) == value) == *equal)
    }
}

fn field(part: &str) -> Result<(&'static str, bool, String), Failure> {
    let (name, equal, value) = part
        .split_once("!=")
        .map(|(name, value)| (name, false, value))
        .or_else(|| part.split_once("==").map(|(name, value)| (name, true, value)))
        .or_else(|| part.split_once('=').map(|(name, value)| (name, true, value)))
        .ok_or_else(|| Failure::bad_request(format!("invalid field selector {part:?}")))?;
    let pointer = match name {
        "metadata.name" => "/metadata/name",
        "metadata.namespace" => "/metadata/namespace",
        other => {
            return Err(Failure::bad_request(format!("field label not supported: {other}")));
        }
    };
    Ok((pointer, equal, value.to_owned()))
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

fn expression(part: &str) -> Result<Expression, Failure> {
    let bad = || Failure::bad_request(format!("unable to parse requirement: {part:?}"));
    let key = |text: &str| {
        let text = text.trim();
        let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if valid { Ok(text.to_owned()) } else { Err(bad()) }
    };
    if let Some(name) = part.strip_prefix('!') {
        return Ok(Expression::DoesNotExist(key(name)?));
    }
    if let Some((name, value)) = part.split_once("!=") {
        return Ok(Expression::NotEqual(key(name)?, value.trim().to_owned()));
    }
    if let Some((name, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Expression::Equal(key(name)?, value.trim().to_owned()));
    }
    let Some((head, values)) = part.strip_suffix(')').and_then(|rest| rest.split_once('(')) else {
        return Ok(Expression::Exists(key(part)?));
    };
    let values = values.split(',').map(|value| value.trim().to_owned()).collect();
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        [name, "in"] => Ok(Expression::In(key(name)?, values)),
        [name, "notin"] => Ok(Expression::NotIn(key(name)?, values)),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(labels: &str, fields: &str) -> bool {
        let object = json!({"metadata": {"name": "n", "labels": {"app": "web", "tier/x": "a"}}});
        Filter::parse(labels, fields).expect("the selector is valid").matches(&object)
    }

    #[test]
    fn every_operator_selects_as_kubernetes_does() {
        for yes in [
            "",
            "app=web",
            "app==web",
            "app!=db",
            "app",
            "!other",
            "other!=x",
            "app in (web, db)",
            "app notin (db)",
            "other notin (db)",
            "app=web,tier/x in (a,b)",
        ] {
            assert!(matches(yes, ""), "{yes}");
        }
        for no in ["app=db", "app!=web", "!app", "other", "app in (db)", "app notin (web)", "app=web,other"] {
            assert!(!matches(no, ""), "{no}");
        }
        assert!(matches("", "metadata.name=n"));
        assert!(!matches("", "metadata.name!=n"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in ["a b", "app within (x)", "=x"] {
            assert!(Filter::parse(bad, "").is_err(), "{bad}");
        }
        assert!(Filter::parse("", "status.phase=Running").is_err());
    }
}
