//! Compares the hooks of a repository with the ones it should have. Pure.

use tidegate_hosts::client::Hook;

/// The changes to make on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookPlan {
    /// The action for the config's hook.
    pub action: HookAction,
    /// The config's hooks of older salts, and duplicates.
    pub delete: Vec<String>,
}

/// The action for the config's hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HookAction {
    /// It doesn't exist.
    #[default]
    Create,
    /// It exists, but its secret is unknown or its settings were changed.
    Repair(String),
    /// It is correct.
    Keep(String),
}

/// Compares the hooks of a repository with the one that it should have.
///
/// `prefix` is the address of this config's hooks up to the salt, `url` the whole address of the right one, `known` the id of
/// the hook that was registered with the right secret. A host never shows a secret, so a hook that isn't `known` gets it again.
pub fn plan(hooks: &[Hook], prefix: &str, url: &str, known: Option<&str>) -> HookPlan {
    let mut right: Vec<&Hook> = hooks.iter().filter(|hook| hook.url == url).collect();
    right.sort_by_key(|hook| Some(hook.id.as_str()) != known);
    let stale = hooks.iter().filter(|hook| hook.url != url && hook.url.starts_with(prefix));
    let delete = right.iter().skip(1).copied().chain(stale).map(|hook| hook.id.clone()).collect();
    let action = match right.first() {
        None => HookAction::Create,
        Some(hook) if Some(hook.id.as_str()) == known && hook.is_as_registered() => {
            HookAction::Keep(hook.id.clone())
        }
        Some(hook) => HookAction::Repair(hook.id.clone()),
    };
    HookPlan { action, delete }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(id: &str, url: &str) -> Hook {
        Hook {
            id: id.to_owned(),
            url: url.to_owned(),
            active: true,
            sends_json: true,
            sends_all_events: true,
        }
    }

    const PREFIX: &str = "https://ci/hooks/gitea/ci/shop/";
    const URL: &str = "https://ci/hooks/gitea/ci/shop/salt";

    #[test]
    fn the_known_hook_is_kept_and_duplicates_and_older_salts_are_deleted() {
        let hooks = [
            hook("1", URL),
            hook("2", URL),
            hook("3", &format!("{PREFIX}older")),
            hook("4", "https://other"),
        ];
        let plan = plan(&hooks, PREFIX, URL, Some("2"));
        assert_eq!(plan.action, HookAction::Keep("2".to_owned()));
        assert_eq!(plan.delete, ["1", "3"]);
    }

    #[test]
    fn a_hook_whose_secret_is_unknown_is_repaired() {
        assert_eq!(plan(&[hook("1", URL)], PREFIX, URL, None).action, HookAction::Repair("1".to_owned()));
        assert_eq!(plan(&[], PREFIX, URL, Some("1")).action, HookAction::Create);
    }
}
