use super::*;

fn key(digit: &str) -> MasterKey {
    MasterKey::from_hex(&digit.repeat(64).into()).expect("master key")
}

fn config(namespace: &str, name: &str) -> ConfigRef {
    ConfigRef { namespace: namespace.parse().expect("namespace"), name: name.parse().expect("name") }
}

#[test]
fn the_secret_is_the_documented_hmac() {
    let salt = "0123456789abcdef".parse().expect("salt");
    let secret = key("0").derive(HookLabel::Gitea, &config("ci", "shop"), &salt);
    // printf '\0\0\0\0\0\0\0\5gitea\0\0\0\0\0\0\0\2ci\0\0\0\0\0\0\0\4shop\0\0\0\0\0\0\0\x100123456789abcdef' \
    //   | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '0%.0s' $(seq 64))
    assert_eq!(secret.expose_secret(), "f8a009adc34d017f27e3e1db6f34e02a4f98d7d58675bcc77bf39d3621718a74");
}

#[test]
fn every_field_and_the_key_change_the_secret() {
    let salt: Salt = "0123456789abcdef".parse().expect("salt");
    let other_salt: Salt = "0123456789abcdeg".parse().expect("salt");
    let secrets = [
        key("0").derive(HookLabel::Gitea, &config("ci", "shop"), &salt),
        key("1").derive(HookLabel::Gitea, &config("ci", "shop"), &salt),
        key("0").derive(HookLabel::Github, &config("ci", "shop"), &salt),
        // The same letters, divided elsewhere.
        key("0").derive(HookLabel::Gitea, &config("cis", "hop"), &salt),
        key("0").derive(HookLabel::Gitea, &config("ci", "shop"), &other_salt),
    ];
    let distinct: std::collections::HashSet<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(distinct.len(), secrets.len());
}

#[test]
fn short_and_unreadable_keys_are_refused_and_never_shown() {
    let error = |text: &str| MasterKey::from_hex(&text.to_owned().into()).expect_err("no key");
    assert_eq!(error(&"0".repeat(62)), MasterKeyError::TooShort { bytes: 31 });
    assert_eq!(error(&"0".repeat(65)), MasterKeyError::NotHex);
    assert_eq!(error(&"x".repeat(64)), MasterKeyError::NotHex);
    assert!(!format!("{:?}", key("7")).contains('7'));
}
