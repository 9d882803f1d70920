//! Whether a request came through the firewall: `CloudFront` adds a secret header to what it passes on.

use lambda_http::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq as _};

/// The header with the secret. `CloudFront` replaces one that a client sends.
pub const HEADER: &str = "x-tidegate-origin";

/// A secret has at least that many characters.
const MIN_LENGTH: usize = 32;

/// The secrets of which a request has to bring one. Without any, every request is admitted: there is no firewall.
#[derive(Debug, Default)]
pub struct Origin(Vec<SecretString>);

impl Origin {
    /// Reads one or two secrets, separated by a comma: while one is replaced, both count.
    pub fn parse(text: &str) -> Result<Self, String> {
        let secrets: Vec<&str> = text.split(',').collect();
        let is_usable =
            |secret: &&str| secret.len() >= MIN_LENGTH && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if secrets.len() <= 2 && secrets.iter().all(is_usable) {
            Ok(Self(secrets.into_iter().map(SecretString::from).collect()))
        } else {
            Err(format!(
                "expected one or two secrets, separated by a comma, each of at least {MIN_LENGTH} ASCII characters without spaces"
            ))
        }
    }

    /// Whether a request with these headers came through the firewall. The comparison takes the same time wherever a secret
    /// of the right length differs.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let brought = headers.get(HEADER).map_or(&[][..], |value| value.as_bytes());
        let is_same = |secret: &SecretString| secret.expose_secret().as_bytes().ct_eq(brought);
        let is_any = self.0.iter().map(is_same).fold(Choice::from(0), |any, same| any | same);
        self.0.is_empty() || is_any.into()
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    const NEW: &str = "new-0123456789abcdef0123456789abcdef";
    const OLD: &str = "old-0123456789abcdef0123456789abcdef";

    fn brings(secret: &str) -> HeaderMap {
        let value = HeaderValue::from_str(secret).expect("a header's value");
        std::iter::once((lambda_http::http::HeaderName::from_static(HEADER), value)).collect()
    }

    #[test]
    fn a_request_has_to_bring_one_of_the_secrets() {
        let origin = Origin::parse(&format!("{NEW},{OLD}")).expect("two secrets");
        assert!(origin.admits(&brings(NEW)) && origin.admits(&brings(OLD)));
        for wrong in ["", "new-", &NEW[1..], &format!("{NEW},{OLD}"), &NEW.to_uppercase()] {
            assert!(!origin.admits(&brings(wrong)), "{wrong}");
        }
        assert!(!origin.admits(&HeaderMap::new()));
        assert!(Origin::default().admits(&HeaderMap::new()), "there is no firewall");
    }

    #[test]
    fn a_secret_that_is_short_or_has_odd_characters_is_refused() {
        let spaced = NEW.replace('-', " ");
        for bad in ["", "short", &format!("{NEW},"), &format!("{NEW},{OLD},{NEW}"), &spaced] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }
}
