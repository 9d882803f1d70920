//! What the environment says. A setting that is missing or wrong stops the function at start.

use serde::Deserialize;
use tidegate_model::{EventKind, ParseError, Timeout};

use crate::origin::Origin;

const MASTER_KEY_SECRET: &str = "TIDEGATE_MASTER_KEY_SECRET";
const MASTER_KEY_CACHE: &str = "TIDEGATE_MASTER_KEY_CACHE";
const ROUTES: &str = "TIDEGATE_ROUTES";
const ORIGIN_SECRETS: &str = "TIDEGATE_ORIGIN_SECRETS";

/// The function's settings.
#[derive(Debug)]
pub struct Settings {
    /// `TIDEGATE_MASTER_KEY_SECRET`: the name or ARN of the secret that holds the master keys.
    pub master_key_secret: String,
    /// `TIDEGATE_MASTER_KEY_CACHE`: for how long the keys are used without a look at the secret, like `5m`.
    pub master_key_cache: Option<Timeout>,
    /// `TIDEGATE_ROUTES`: which events go to which plugin, as a JSON list.
    pub routes: Vec<RouteSettings>,
    /// `TIDEGATE_ORIGIN_SECRETS`: the secrets that a request through the firewall carries one of. Unset: no firewall.
    pub origin: Origin,
}

/// One entry of `TIDEGATE_ROUTES`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteSettings {
    /// The plugin's name, for logs and answers.
    pub plugin: String,
    /// The queue that its function receives from.
    pub queue_url: String,
    /// The kinds of events it wants.
    pub events: Vec<EventKind>,
}

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is not there.
    #[error("{name} is not set")]
    Missing {
        /// The variable.
        name: &'static str,
    },
    /// It can't be read.
    #[error("failed to read {name}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// It makes no sense.
    #[error("failed to use {name}: {reason}")]
    Useless {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Settings {
    /// Reads the settings; `variable` looks one up in the environment.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let set =
            |name| variable(name).filter(|value| !value.is_empty()).ok_or(SettingsError::Missing { name });
        let routes: Vec<RouteSettings> = serde_json::from_str(&set(ROUTES)?)
            .map_err(|source| SettingsError::Malformed { name: ROUTES, source })?;
        check(&routes).map_err(|reason| SettingsError::Useless { name: ROUTES, reason })?;
        let cache = set(MASTER_KEY_CACHE).ok().map(|text| text.parse()).transpose();
        let master_key_cache = cache.map_err(|error: ParseError| SettingsError::Useless {
            name: MASTER_KEY_CACHE,
            reason: error.to_string(),
        })?;
        let origin = set(ORIGIN_SECRETS).ok().map(|text| Origin::parse(&text)).transpose();
        let origin = origin
            .map_err(|reason| SettingsError::Useless { name: ORIGIN_SECRETS, reason })?
            .unwrap_or_default();
        Ok(Self { master_key_secret: set(MASTER_KEY_SECRET)?, master_key_cache, routes, origin })
    }
}

fn check(routes: &[RouteSettings]) -> Result<(), String> {
    if routes.is_empty() {
        return Err("there is no route".to_owned());
    }
    for (index, route) in routes.iter().enumerate() {
        if route.events.is_empty() {
            return Err(format!("plugin {:?} has no events", route.plugin));
        }
        if routes[..index].iter().any(|other| other.plugin == route.plugin) {
            return Err(format!("plugin {:?} is there twice", route.plugin));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tidegate_telemetry::chain;

    use super::*;

    fn read(routes: &str) -> Result<Settings, SettingsError> {
        Settings::read(|name| match name {
            ROUTES => Some(routes.to_owned()),
            MASTER_KEY_CACHE | ORIGIN_SECRETS => None,
            _ => Some("keys".to_owned()),
        })
    }

    #[test]
    fn routes_are_read_as_the_manual_shows_them() {
        let text = r#"[{"plugin":"integrator","queueUrl":"http://q/1/i","events":["pull_request","push"]},
                       {"plugin":"chatops","queueUrl":"http://q/1/c","events":["comment"]}]"#;
        let settings = read(text).expect("valid");
        assert_eq!(settings.master_key_secret, "keys");
        assert_eq!(settings.routes[0].events, [EventKind::PullRequest, EventKind::Push]);
        assert_eq!(settings.routes[1].queue_url, "http://q/1/c");
    }

    #[test]
    fn what_cannot_be_used_stops_the_start_and_is_named() {
        let route = |events: &str| format!(r#"{{"plugin":"p","queueUrl":"http://q/1/p","events":{events}}}"#);
        for (text, expected) in [
            (String::new(), "TIDEGATE_ROUTES is not set"),
            ("[]".to_owned(), "failed to use TIDEGATE_ROUTES: there is no route"),
            ("{".to_owned(), "failed to read TIDEGATE_ROUTES: "),
            (format!("[{}]", route(r#"["issue"]"#)), "unknown variant `issue`"),
            (format!("[{}]", route("[]")), r#"plugin "p" has no events"#),
            (format!("[{0},{0}]", route(r#"["push"]"#)), r#"plugin "p" is there twice"#),
        ] {
            let error = read(&text).expect_err(&text);
            assert!(chain(&error).to_string().contains(expected), "{}", chain(&error));
        }
        let error = Settings::read(|name| (name == ROUTES).then(|| format!("[{}]", route(r#"["push"]"#))));
        assert_eq!(error.expect_err("no secret").to_string(), "TIDEGATE_MASTER_KEY_SECRET is not set");
        let error = Settings::read(|name| match name {
            ROUTES => Some(format!("[{}]", route(r#"["push"]"#))),
            MASTER_KEY_CACHE => None,
            _ => Some("short".to_owned()),
        });
        let error = error.expect_err("a short secret").to_string();
        assert!(error.starts_with("failed to use TIDEGATE_ORIGIN_SECRETS: expected"), "{error}");
        let error = Settings::read(|name| {
            Some(if name == ROUTES { format!("[{}]", route(r#"["push"]"#)) } else { "soon".to_owned() })
        });
        let error = error.expect_err("soon is no time").to_string();
        assert!(error.starts_with("failed to use TIDEGATE_MASTER_KEY_CACHE: duration"), "{error}");
    }
}
