//! YAML nodes with their positions, so that findings can name line and column.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, MessageFormatter, Options, Spanned, UserMessageFormatter};

/// A line and a column, each from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

/// A value and its position: for an entry of a mapping that of its key, for everything else where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// A syntax error.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) place: Place,
    pub(super) message: String,
}

/// The documents of a text. Empty ones are omitted; reading stops at a syntax error.
pub(super) fn documents(mut text: &[u8]) -> Vec<Result<Node, SyntaxError>> {
    let options: Options = serde_saphyr::options! { with_snippet: false };
    let documents = serde_saphyr::read_with_options::<_, Node>(&mut text, options);
    documents
        .map(|document| {
            document.map_err(|error| SyntaxError {
                place: error.location().map_or(Place { line: 1, column: 1 }, Place::from),
                message: UserMessageFormatter.format_message(&error).into_owned(),
            })
        })
        .collect()
}

impl Node {
    /// The entry of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Content::Map(entries) = &self.content else {
            return None;
        };
        entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The entry of this number.
    fn item(&self, index: usize) -> Option<&Self> {
        let Content::List(items) = &self.content else {
            return None;
        };
        items.get(index)
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        let Content::Scalar(value) = &self.content else {
            return None;
        };
        value.as_str()
    }

    /// The items, if it is a list.
    pub(super) fn items(&self) -> Option<&[Self]> {
        let Content::List(items) = &self.content else {
            return None;
        };
        Some(items)
    }

    /// The position of a path like `spec.jobs.preSubmit[0].name`, or of its nearest ancestor.
    pub(super) fn locate(&self, path: &str) -> Place {
        let mut node = self;
        for segment in path.split(['.', '[']).filter(|segment| !segment.is_empty()) {
            let next = match segment.strip_suffix(']') {
                Some(index) => index.parse().ok().and_then(|index| node.item(index)),
                None => node.get(segment),
            };
            let Some(next) = next else {
                break;
            };
            node = next;
        }
        node.place
    }

    /// The value without positions. Nulls in mappings are omitted, as the API server drops them.
    pub(super) fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), value.to_json()));
                entries.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self { place: spanned.referenced.into(), content: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON knows, too")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Content, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("expected a finite number"))?;
        Ok(Content::Scalar(number.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Content>>()? {
            map.push((key.value, Node { place: key.referenced.into(), content: value.value }));
        }
        Ok(Content::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_key_or_to_the_nearest_thing_around_it() {
        let text =
            b"spec:\n  jobs:\n    pre:\n    - name: a\n      after: [b, c]\n---\nk: &x {y: 1}\nz: *x\n";
        let documents: Vec<Node> = documents(text).into_iter().map(|node| node.expect("YAML")).collect();
        let [first, second] = &documents[..] else {
            panic!("two documents");
        };
        for (path, line, column) in [
            ("", 1, 1),
            ("spec", 1, 1),
            ("spec.jobs.pre", 3, 5),
            ("spec.jobs.pre[0]", 4, 7),
            ("spec.jobs.pre[0].after", 5, 7),
            ("spec.jobs.pre[0].after[1]", 5, 18),
            ("spec.jobs.pre[0].image", 4, 7),
            ("spec.jobs.pre[7].image", 3, 5),
        ] {
            assert_eq!(first.locate(path), Place { line, column }, "{path}");
        }
        assert_eq!(second.locate("z").line, 8, "an alias has the position of its use");
        assert_eq!(second.to_json(), serde_json::json!({"k": {"y": 1}, "z": {"y": 1}}));
    }

    #[test]
    fn broken_syntax_has_a_place_and_the_documents_before_it_are_kept() {
        let found = documents(b"a: 1\n---\nb: [1,\nc: 2\n");
        assert!(matches!(&found[..], [Ok(_), Err(error)] if error.place.line >= 3), "{found:?}");
    }
}
