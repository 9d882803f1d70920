//! The name of a run.

use std::{fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize};

/// The name of a run. Clones share their text: a ledger names a run at each of its jobs and statuses.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct RunName(Arc<str>);

impl Deref for RunName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for RunName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<RunName> for String {
    fn from(name: RunName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
