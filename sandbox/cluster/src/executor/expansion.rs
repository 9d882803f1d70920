//! Kubernetes' expansion of `$(NAME)` in environment variables, commands and arguments.
//!
//! Source: `third_party/forked/golang/expansion/expand.go` of Kubernetes

/// Replaces `$(NAME)` by the last of these variables of that name, and `$$` by `$`. Everything else stays, and what is put in is
/// not expanded again.
pub(crate) fn expand(text: &str, variables: &[(String, String)]) -> String {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let reference = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        rest = if let Some((name, after)) = reference {
            let value = variables.iter().rev().find(|(known, _)| known == name);
            expanded += &value.map_or_else(|| format!("$({name})"), |(_, value)| value.clone());
            after
        } else {
            expanded.push('$');
            after.strip_prefix('$').unwrap_or(after)
        };
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_expanded_as_kubernetes_does() {
        let variables = [("A", "first"), ("B", "$(A)"), ("A", "last")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        // What `Expand` of Kubernetes makes of them.
        for (text, expanded) in [
            ("a$(A)b", "alastb"),
            ("$(B)", "$(A)"),
            ("$(C)", "$(C)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$last"),
            ("$$$$(A)", "$$(A)"),
            ("$", "$"),
            ("a$$", "a$"),
            ("$A ${A} $(", "$A ${A} $("),
            ("$(A", "$(A"),
            ("$($(A))", "$($(A))"),
        ] {
            assert_eq!(expand(text, &variables), expanded, "{text}");
        }
    }
}
