//! What an API server accepts under a schema, and objects that it accepts. The patterns hold no `\s`, so that they mean the
//! same in Go and in Rust.

use std::{ops::RangeInclusive, sync::Arc};

use kube::core::cel::{CompiledSchema, Validator, compile_schema};
use proptest::{collection::vec, prelude::*, sample::select, string::string_regex};
use regex::Regex;
use serde_json::{Map, Value};

/// Texts at the edges of what our types accept. A generator offers those that the schema accepts.
const EDGES: [&str; 40] = [
    "a/..",
    "../a",
    "a/.",
    "./a",
    "a/...",
    "...",
    "a/..b",
    "a/.b",
    "a//b",
    "/a",
    "a/",
    "0s",
    "0h0m0s",
    "1s",
    "168h",
    "169h",
    "168h1s",
    "167h60m",
    "999999h999999m999999s",
    "000168h000000m000000s",
    "refs/heads/main",
    "refs/heads/a..b",
    "refs/heads/.a",
    "refs/heads/a/.b",
    "refs/heads/a.lock",
    "refs/heads/a.lock/b",
    "refs/heads/-a",
    "refs/heads/@",
    "refs/tags/@",
    "refs/heads/a@{b",
    "refs/heads/a.",
    "refs/heads/a//b",
    "refs/heads/ä",
    "refs/heads/a\u{a0}b",
    "refs/heads/a\u{85}b",
    "ad\u{2003}a",
    "ad\u{1}a",
    "dependabot[bot]",
    "ünal",
    "\u{feff}a",
];

fn edges() -> Vec<String> {
    let zeros = [40, 64].map(|length| "0".repeat(length));
    let long = ["ü", "a"].into_iter().flat_map(|letter| {
        let reference = |length| format!("refs/heads/{}", letter.repeat(length));
        [letter.repeat(255), letter.repeat(256), reference(244), reference(245)]
    });
    EDGES.map(str::to_owned).into_iter().chain(zeros).chain(long).collect()
}

/// The CEL rules of one value, without those of its parts.
#[derive(Clone)]
struct Rules(Option<Arc<CompiledSchema>>);

impl Rules {
    fn of(schema: &Value) -> Self {
        fn without_rules(schema: &mut Value) {
            if let Some(fields) = schema.as_object_mut() {
                fields.remove("x-kubernetes-validations");
            }
            for part in ["properties", "items"] {
                match schema.get_mut(part) {
                    Some(Value::Object(fields)) if part == "properties" => {
                        fields.values_mut().for_each(without_rules);
                    }
                    Some(items) => without_rules(items),
                    None => (),
                }
            }
        }
        let Some(rules) = schema.get("x-kubernetes-validations").cloned() else {
            return Self(None);
        };
        let mut own = schema.clone();
        without_rules(&mut own);
        own["x-kubernetes-validations"] = rules;
        let compiled = compile_schema(&own);
        assert!(!compiled.has_errors(), "{:?}", compiled.compilation_errors());
        Self(Some(Arc::new(compiled)))
    }

    fn are_kept_by(&self, value: &Value) -> bool {
        self.0.as_ref().is_none_or(|rules| Validator::new().validate_compiled(rules, value, None).is_ok())
    }
}

/// What a string's schema accepts.
#[derive(Clone)]
pub(super) struct Text {
    length: RangeInclusive<u64>,
    pattern: Option<Regex>,
    rules: Rules,
}

impl Text {
    pub(super) fn of(schema: &Value) -> Self {
        let pattern = schema["pattern"].as_str().map(|pattern| Regex::new(pattern).expect("a pattern"));
        let (min, max) = (schema["minLength"].as_u64(), schema["maxLength"].as_u64());
        Self { length: min.unwrap_or(0)..=max.unwrap_or(u64::MAX), pattern, rules: Rules::of(schema) }
    }

    pub(super) fn accepts(&self, text: &str) -> bool {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        self.length.contains(&length)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
            && self.rules.are_kept_by(&text.into())
    }
}

/// Texts near and far from what a schema accepts.
pub(super) fn texts(schema: &Value) -> BoxedStrategy<String> {
    let near = match schema["pattern"].as_str() {
        Some(pattern) => {
            string_regex(pattern.trim_start_matches('^').trim_end_matches('$')).expect("a pattern").boxed()
        }
        None => ".{0,40}".boxed(),
    };
    let small = "(refs/heads/|refs/tags/)?[-a@{./~ ü0hms\u{a0}\u{1}]{0,8}(\\.lock)?";
    prop_oneof![4 => near, 1 => small, 2 => select(edges())].boxed()
}

/// Values that an API server accepts under a schema, without the rules that compare with an older object.
pub(super) fn accepted(schema: &Value) -> BoxedStrategy<Value> {
    let rules = Rules::of(schema);
    let values = match schema["type"].as_str() {
        Some("string") if schema.get("enum").is_some() => {
            select(schema["enum"].as_array().cloned().unwrap_or_default()).boxed()
        }
        Some("string") => string(schema),
        Some("integer") => {
            // A CRD's bounds are written like 0.0.
            let bound =
                |key: &str| schema[key].as_f64().and_then(|bound| format!("{bound:.0}").parse::<i64>().ok());
            let (min, max) = (bound("minimum"), bound("maximum"));
            (min.unwrap_or(i64::MIN)..=max.unwrap_or(i64::MAX)).prop_map(Value::from).boxed()
        }
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("array") => list(schema),
        Some("object") => object(schema),
        other => unreachable!("a field of type {other:?}"),
    };
    values.prop_filter("a CEL rule", move |value| rules.are_kept_by(value)).boxed()
}

fn string(schema: &Value) -> BoxedStrategy<Value> {
    let own = Text::of(schema);
    texts(schema).prop_filter("the bounds", move |text| own.accepts(text)).prop_map(Value::from).boxed()
}

fn list(schema: &Value) -> BoxedStrategy<Value> {
    let bound = |key: &str| schema[key].as_u64().and_then(|bound| usize::try_from(bound).ok());
    let (min, max) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(3).min(3));
    let keys: Vec<String> = match schema["x-kubernetes-list-type"].as_str() {
        Some("map") => serde_json::from_value(schema["x-kubernetes-list-map-keys"].clone()).expect("names"),
        _ => Vec::new(),
    };
    let is_set = schema["x-kubernetes-list-type"].as_str() == Some("set");
    let items = vec(accepted(&schema["items"]), min..=max);
    items
        .prop_map(move |items| {
            let identity = |item: &Value| match keys.as_slice() {
                [] => item.clone(),
                keys => keys.iter().map(|key| item[key].clone()).collect(),
            };
            let mut unique: Vec<Value> = Vec::new();
            for item in items {
                let is_known = unique.iter().any(|known| identity(known) == identity(&item));
                if !(is_known && (is_set || !keys.is_empty())) {
                    unique.push(item);
                }
            }
            Value::from(unique)
        })
        .boxed()
}

fn object(schema: &Value) -> BoxedStrategy<Value> {
    let required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap_or_default();
    let fields: Vec<BoxedStrategy<Option<(String, Value)>>> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, field)| {
            let (name, is_required) = (name.clone(), required.contains(name));
            let field = accepted(field).prop_map(move |value| (name.clone(), value));
            if is_required { field.prop_map(Some).boxed() } else { proptest::option::of(field).boxed() }
        })
        .collect();
    fields.prop_map(|fields| fields.into_iter().flatten().collect::<Map<_, _>>().into()).boxed()
}
