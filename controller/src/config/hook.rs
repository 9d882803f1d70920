//! Which hooks a repository should have, beside those it has. Pure.

use tidegate_hosts::client::Hook;

/// What has to be done on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookPlan {
    /// What becomes of our hook.
    pub ours: Ours,
    /// Hooks of ours that nothing verifies any more: of an older salt, or doubles.
    pub delete: Vec<String>,
}

/// What becomes of our hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ours {
    /// It is missing.
    #[default]
    Create,
    /// It is there, but its secret is unknown or its settings were changed.
    Repair(String),
    /// It is as it should be.
    Keep(String),
}

/// Compares the hooks of a repository with the one that should be there.
///
/// `prefix` is the address of this config's hooks up to the salt, `url` the whole address of the right one, `known` the
/// id of the hook that was registered with the right secret. The host never shows a secret: a hook that isn't `known` is
/// given it again.
pub fn plan(hooks: &[Hook], prefix: &str, url: &str, known: Option<&str>) -> HookPlan {
    let mut right: Vec<&Hook> = hooks.iter().filter(|hook| hook.url == url).collect();
    right.sort_by_key(|hook| Some(hook.id.as_str()) != known);
    let stale = hooks.iter().filter(|hook| hook.url != url && hook.url.starts_with(prefix));
    let delete = right.iter().skip(1).copied().chain(stale).map(|hook| hook.id.clone()).collect();
    let ours = match right.first() {
        None => Ours::Create,
        Some(hook) if Some(hook.id.as_str()) == known && hook.is_as_registered() => {
            Ours::Keep(hook.id.clone())
        }
        Some(hook) => Ours::Repair(hook.id.clone()),
    };
    HookPlan { ours, delete }
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
    fn the_known_hook_is_kept_and_its_double_and_older_salts_go() {
        let hooks = [
            hook("1", URL),
            hook("2", URL),
            hook("3", &format!("{PREFIX}older")),
            hook("4", "https://other"),
        ];
        let plan = plan(&hooks, PREFIX, URL, Some("2"));
        assert_eq!(plan.ours, Ours::Keep("2".to_owned()));
        assert_eq!(plan.delete, ["1", "3"]);
    }

    #[test]
    fn a_hook_whose_secret_is_unknown_is_repaired() {
        assert_eq!(plan(&[hook("1", URL)], PREFIX, URL, None).ours, Ours::Repair("1".to_owned()));
        assert_eq!(plan(&[], PREFIX, URL, Some("1")).ours, Ours::Create);
    }
}
