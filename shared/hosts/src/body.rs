//! Reading a delivery's body.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::Error};
use tidegate_model::{CommitSha, GitRef};

use crate::intake::NormaliseError;

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

/// A text, cut to so many bytes.
pub(crate) fn cut(text: Cow<'_, str>, max: usize) -> String {
    let mut text = text.into_owned();
    text.truncate(text.floor_char_boundary(max));
    text
}
