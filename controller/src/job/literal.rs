//! Environment variables whose values reach the container unchanged.
//!
//! Two programs expand text on the way. Tekton replaces its own variables, like `$(context.taskRun.name)`, and has no way to
//! escape them. Then Kubernetes replaces `$(NAME)` by the variable NAME that stands before it in the list, and `$$` by `$`;
//! what it has put in is not expanded again. So each `$` is written as `$(TIDEGATE_DOLLAR)`, whose value is `$`: Tekton knows
//! no such variable, and Kubernetes puts the `$` back.
//!
//! Sources: `pkg/substitution/replacements.go` and `pkg/reconciler/taskrun/resources/apply.go` of Tekton 1.6;
//! `makeEnvironment` in `pkg/kubelet/kubelet_pods.go` and `third_party/forked/golang/expansion` of Kubernetes

use tidegate_resources::EnvVar;

const DOLLAR: &str = "TIDEGATE_DOLLAR";

/// These variables with these values, whatever they hold. Where a value holds a `$`, one more variable comes first.
pub fn variables(variables: Vec<(&str, String)>) -> Vec<EnvVar> {
    let has_dollar = variables.iter().any(|(_, value)| value.contains('$'));
    let dollar = has_dollar.then(|| expanded(DOLLAR, "$".to_owned()));
    let escape = |value: String| value.replace('$', &format!("$({DOLLAR})"));
    dollar
        .into_iter()
        .chain(variables.into_iter().map(|(name, value)| expanded(name, escape(value))))
        .collect()
}

/// A variable whose value Tekton and Kubernetes expand.
pub fn expanded(name: &str, value: String) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value), value_from: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_without_a_dollar_is_written_as_it_is() {
        let plain = variables(vec![("A", "refs/heads/main".to_owned()), ("B", String::new())]);
        let expected =
            [("A", "refs/heads/main"), ("B", "")].map(|(name, value)| expanded(name, value.to_owned()));
        assert_eq!(plain, expected);
    }

    #[test]
    fn no_variable_of_tekton_or_kubernetes_is_left_in_a_value() {
        for text in
            ["rel/$(context.taskRun.name)", "$(CI)", "$$(CI)", "$($(CI))", "a$", "$$$$", "$(TIDEGATE_DOLLAR)"]
        {
            let made = variables(vec![("CI", "true".to_owned()), ("REF", text.to_owned())]);
            assert_eq!(made[0], expanded("TIDEGATE_DOLLAR", "$".to_owned()), "it comes before what names it");
            let value = made[2].value.as_deref().expect("a value");
            assert_eq!(value.replace("$(TIDEGATE_DOLLAR)", "$"), text);
            assert!(!value.replace("$(TIDEGATE_DOLLAR)", "").contains('$'), "{value}");
        }
    }
}
