//! Compares the hooks of a repository with the ones it should have. Pure.

use tidegate_hosts::{client::Hook, hook::HookLabel};
use tidegate_model::Host;

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

/// The labels that hooks of this host can have.
pub fn labels(host: Host) -> impl Iterator<Item = HookLabel> {
    let strongest = HookLabel::for_host(host);
    [Some(strongest), strongest.weaker()].into_iter().flatten()
}

/// The label of the strongest proof that the host offers, as far as its hooks show it: a host that doesn't show whether a hook
/// signs has no hooks that sign.
pub fn strongest(host: Host, hooks: &[Hook], prefixes: &[String]) -> HookLabel {
    let is_own = |hook: &&Hook| prefixes.iter().any(|prefix| hook.url.starts_with(prefix));
    let strongest = HookLabel::for_host(host);
    match strongest.weaker() {
        Some(weaker) if hooks.iter().filter(is_own).any(|hook| hook.signed.is_none()) => weaker,
        Some(_) | None => strongest,
    }
}

/// Whether the host stopped its deliveries to the hook that was registered last: it was deleted or disabled.
pub fn is_interrupted(hooks: &[Hook], known: Option<&str>) -> bool {
    known.is_some_and(|known| hooks.iter().find(|hook| hook.id == known).is_none_or(|hook| !hook.active))
}

/// Compares the hooks of a repository with the one that it should have.
///
/// `label` is the one in the hook's address. `prefixes` are the addresses of this config's hooks up to the salt, `url` the whole
/// address of the right one, `known` the id of the hook that was registered with the right secret. A host never shows a secret,
/// so a hook that isn't `known` gets it again.
pub fn plan(
    hooks: &[Hook],
    label: HookLabel,
    prefixes: &[String],
    url: &str,
    known: Option<&str>,
) -> HookPlan {
    let mut right: Vec<&Hook> = hooks.iter().filter(|hook| hook.url == url).collect();
    right.sort_by_key(|hook| Some(hook.id.as_str()) != known);
    let is_own = |hook: &&Hook| prefixes.iter().any(|prefix| hook.url.starts_with(prefix));
    let stale = hooks.iter().filter(|hook| hook.url != url).filter(is_own);
    let delete = right.iter().skip(1).copied().chain(stale).map(|hook| hook.id.clone()).collect();
    let action = match right.first() {
        None => HookAction::Create,
        Some(hook) if Some(hook.id.as_str()) == known && hook.is_as_registered(label) => {
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
            verifies_tls: true,
            has_secret: true,
            signed: None,
        }
    }

    const LABEL: HookLabel = HookLabel::Gitea;
    const PREFIX: &str = "https://ci/hooks/gitea/ci/shop/";

    fn prefixes() -> [String; 1] {
        [PREFIX.to_owned()]
    }

    const URL: &str = "https://ci/hooks/gitea/ci/shop/salt";

    #[test]
    fn the_known_hook_is_kept_and_duplicates_and_older_salts_are_deleted() {
        let hooks = [
            hook("1", URL),
            hook("2", URL),
            hook("3", &format!("{PREFIX}older")),
            hook("4", "https://other"),
        ];
        let plan = plan(&hooks, LABEL, &prefixes(), URL, Some("2"));
        assert_eq!(plan.action, HookAction::Keep("2".to_owned()));
        assert_eq!(plan.delete, ["1", "3"]);
    }

    #[test]
    fn a_hook_whose_secret_is_unknown_is_repaired() {
        assert_eq!(
            plan(&[hook("1", URL)], LABEL, &prefixes(), URL, None).action,
            HookAction::Repair("1".to_owned())
        );
        assert_eq!(plan(&[], LABEL, &prefixes(), URL, Some("1")).action, HookAction::Create);
    }

    #[test]
    fn gitlab_is_asked_for_a_signature_unless_its_hooks_know_none() {
        let (signed, token) = ("https://ci/hooks/gitlab/ci/shop/", "https://ci/hooks/gitlab-token/ci/shop/");
        let prefixes = [signed.to_owned(), token.to_owned()];
        let of = |url: &str, signed| Hook { signed, ..hook("1", &format!("{url}salt")) };
        for (hooks, expected) in [
            (vec![], HookLabel::Gitlab),
            (vec![of(token, Some(false))], HookLabel::Gitlab),
            (vec![of(signed, Some(true))], HookLabel::Gitlab),
            (vec![of(token, None)], HookLabel::GitlabToken),
            (vec![of(signed, None)], HookLabel::GitlabToken),
            (vec![of("https://other/", None)], HookLabel::Gitlab),
        ] {
            assert_eq!(strongest(Host::Gitlab, &hooks, &prefixes), expected, "{hooks:?}");
        }
        assert_eq!(strongest(Host::Gitea, &[hook("1", URL)], &[PREFIX.to_owned()]), HookLabel::Gitea);
        // The hook of the other proof is one of the config's.
        let url = format!("{signed}salt");
        let moved = plan(&[of(token, Some(false))], HookLabel::Gitlab, &prefixes, &url, Some("1"));
        assert_eq!((moved.action, moved.delete), (HookAction::Create, vec!["1".to_owned()]));
    }

    #[test]
    fn a_hook_that_was_deleted_or_disabled_interrupts_deliveries() {
        let disabled = Hook { active: false, ..hook("1", URL) };
        for (hooks, known, expected) in [
            (vec![hook("1", URL)], Some("1"), false),
            (vec![disabled], Some("1"), true),
            (vec![hook("2", URL)], Some("1"), true),
            (vec![], Some("1"), true),
            (vec![], None, false),
        ] {
            assert_eq!(is_interrupted(&hooks, known), expected, "{hooks:?}");
        }
    }
}
