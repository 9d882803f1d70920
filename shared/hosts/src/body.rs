//! Reading a delivery's body.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use tidegate_model::{CommitSha, GitRef};

use crate::{
    delivery::{Ignored, NormaliseError},
    inbound::Inbound,
};

/// Reads a JSON body. Only when that fails it is read again, slower, to learn which field is at fault.
///
/// Values that `T` doesn't use are skipped without recursion, and the others nest at most 128 deep, so no body can
/// overflow the stack.
pub(crate) fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, NormaliseError> {
    serde_json::from_slice(body).or_else(|_| {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| NormaliseError::body(&error.path().to_string(), error.inner()))?;
        reader.end().map_err(|error| NormaliseError::body(".", &error))?;
        Ok(value)
    })
}

/// Reads a JSON body and what it says. A body that can't be read is ignored if its action alone, which `A` reads, says that
/// nobody uses it.
pub(crate) fn with_action<'de, T: Deserialize<'de>, A: Deserialize<'de>>(
    body: &'de [u8],
    fill: impl FnOnce(T) -> Result<Inbound<'de>, NormaliseError>,
    unused: impl FnOnce(A) -> Option<Ignored>,
) -> Result<Inbound<'de>, NormaliseError> {
    read(body).and_then(fill).or_else(|error| {
        let action = serde_json::from_slice(body).ok().and_then(unused);
        action.map(Inbound::Nothing).ok_or(error)
    })
}

/// A field that an event, or a fact, means the same without: whatever can't be read is taken for missing.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Lenient<T> {
        Readable(T),
        Unreadable(IgnoredAny),
    }
    Ok(match Lenient::deserialize(from)? {
        Lenient::Readable(value) => value,
        Lenient::Unreadable(_) => T::default(),
    })
}

/// Like [`lenient`], for an object whose own fields are all lenient. It may be large, as it is read without being kept.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    from.deserialize_any(Object(PhantomData))
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Option<T>, E> {
        Ok(None)
    }
}

/// A commit, or `None` for the zeros that stand for a deleted ref.
pub(crate) fn commit_or_zeros<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CommitSha>, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    if !text.is_empty() && text.bytes().all(|b| b == b'0') {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

/// A branch or tag, or `None` for a ref of another kind, like `refs/notes/…`.
pub(crate) fn branch_or_tag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<GitRef>, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    let is_other =
        text.starts_with("refs/") && !text.starts_with("refs/heads/") && !text.starts_with("refs/tags/");
    if is_other {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}
