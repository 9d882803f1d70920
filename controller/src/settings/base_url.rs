//! An address in a setting.

/// Reads an address without its last slash.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', ' ']) => Ok(text.to_owned()),
        _ => Err("expected an address like https://hooks.example.com".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_needs_a_scheme_and_loses_its_last_slash() {
        assert_eq!(base_url("https://hooks.example.com/").as_deref(), Ok("https://hooks.example.com"));
        for bad in ["hooks.example.com", "ftp://x", "https://", "https://x?y"] {
            assert!(base_url(bad).is_err(), "{bad} was accepted");
        }
    }
}
