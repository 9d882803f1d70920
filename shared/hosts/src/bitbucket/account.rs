//! An account, as payloads and answers show it.

use serde::Deserialize;
use tidegate_model::{Account, DisplayName, Login};

use crate::{body::lenient, inbound::Author};

/// The account that we show in the place of people who are gone. Bitbucket shows nobody there.
const GONE: &str = "{00000000-0000-0000-0000-000000000000}";

/// What an account is, by the word in `type`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    User,
    Team,
    /// A program: an installed app, or the owner of an access token.
    AppUser,
    /// Old payloads have no `type`.
    #[default]
    #[serde(other)]
    Unknown,
}

/// An account. Nicknames are not unique, and only users have an `account_id`: what every account has is its `uuid`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Shown {
    /// In braces.
    pub(super) uuid: Login,
    #[serde(default, deserialize_with = "lenient")]
    display_name: Option<String>,
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub(super) kind: Kind,
}

impl Shown {
    pub(super) fn is_bot(&self) -> bool {
        self.kind == Kind::AppUser
    }
}

impl From<Shown> for Account {
    fn from(shown: Shown) -> Self {
        let name = shown.display_name.filter(|name| !name.is_empty()).map(DisplayName::from);
        Self { id: shown.uuid, name }
    }
}

/// Who did something; `None` is somebody who is gone.
pub(super) fn author(shown: Option<Shown>) -> Author {
    match shown {
        Some(shown) => Author { is_bot: shown.is_bot(), account: shown.into() },
        None => Author { account: gone().into(), is_bot: false },
    }
}

/// The account of people who are gone.
pub(super) fn gone() -> Login {
    GONE.parse().expect("a constant that is a login")
}
