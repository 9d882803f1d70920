//! Who did something on a host.

use serde::{Deserialize, Serialize};

use crate::Login;

/// An account: what it is known by, and what people see. Only [`Account::id`] says who it is.
///
/// It is written as its id, `"dora"`, and with a name of its own as `{"id": "{d301aafa-…}", "name": "Dora Lange"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Account {
    /// What the host's API knows it by.
    pub id: Login,
    /// What people see, where that is not the id. Anybody can choose the name of another person.
    pub name: Option<DisplayName>,
}

impl Account {
    /// What to show to people.
    pub fn shown(&self) -> &str {
        self.name.as_ref().map_or(self.id.as_str(), DisplayName::as_str)
    }
}

impl From<Login> for Account {
    fn from(id: Login) -> Self {
        Self { id, name: None }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Id(Login),
    Named { id: Login, name: DisplayName },
}

impl From<Written> for Account {
    fn from(written: Written) -> Self {
        match written {
            Written::Id(id) => id.into(),
            Written::Named { id, name } => Self { id, name: Some(name) },
        }
    }
}

impl From<Account> for Written {
    fn from(account: Account) -> Self {
        match account {
            Account { id, name: None } => Self::Id(id),
            Account { id, name: Some(name) } => Self::Named { id, name },
        }
    }
}

/// A name for people: one line of at most 255 characters. Hosts let people choose it freely, so whatever comes is made to fit,
/// and nothing is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct DisplayName(String);

impl DisplayName {
    const MAX_LENGTH: usize = 255;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for DisplayName {
    fn from(text: String) -> Self {
        let line = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(Self::MAX_LENGTH);
        Self(line.collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_written_as_its_id_and_with_a_name_as_both() {
        let uuid = "{d301aafa-d676-4ee0-88be-962be7417567}";
        for (written, id, shown) in
            [(json!("dora"), "dora", "dora"), (json!({"id": uuid, "name": "Dora Lange"}), uuid, "Dora Lange")]
        {
            let account: Account = serde_json::from_value(written.clone()).expect("an account");
            assert_eq!((account.id.as_str(), account.shown()), (id, shown));
            assert_eq!(serde_json::to_value(&account).expect("serialises"), written);
        }
        for wrong in [json!("Dora Lange"), json!({"name": "Dora Lange"}), json!(7), json!(null)] {
            assert!(serde_json::from_value::<Account>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_is_made_one_short_line_and_never_refused() {
        let name = |text: &str| DisplayName::from(text.to_owned());
        assert_eq!(name("Dora\nLange\u{1b}[0m").as_str(), "Dora Lange [0m");
        assert_eq!(name(&"説".repeat(300)).as_str(), "説".repeat(255));
        assert_eq!(name("").as_str(), "");
    }
}
