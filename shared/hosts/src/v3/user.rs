//! An account, as an answer shows it.

use serde::Deserialize;
use tidegate_model::Login;

use crate::body::lenient;

/// An account. GitHub says what kind it is; Gitea's own accounts have negative ids.
#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) login: Login,
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) id: i64,
}
