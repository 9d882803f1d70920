use proptest::prelude::*;

use super::*;

#[test]
fn paths_of_configs_and_of_the_app_parse_to_different_variants() {
    let path: HookPath = "/hooks/gitea/ci/shop/0123456789abcdef".parse().expect("a config's path");
    assert_eq!(
        path,
        HookPath::Config {
            label: HookLabel::Gitea,
            config: ConfigRef {
                namespace: "ci".parse().expect("namespace"),
                name: "shop".parse().expect("name"),
            },
            salt: "0123456789abcdef".parse().expect("salt"),
        }
    );
    assert_eq!("/hooks/github-app".parse(), Ok(HookPath::GithubApp));
    assert_eq!(HookPath::GithubApp.host(), Host::Github);
}

#[test]
fn anything_else_is_refused_with_the_part_that_is_wrong() {
    for bad in [
        "",
        "/",
        "/hooks",
        "/hooks/",
        "/hooks/gitea-app",
        "/hooks/github-app/",
        "/hooks/gitea/ci/shop",
        "/hooks/gitea/ci/shop/0123456789abcdef/",
        "/hooks/gitea/ci/shop/0123456789abcdef/x",
        "hooks/gitea/ci/shop/0123456789abcdef",
    ] {
        assert_eq!(bad.parse::<HookPath>(), Err(HookPathError::Shape), "{bad:?}");
    }
    for (bad, kind) in [
        ("/hooks/bazaar/ci/shop/0123456789abcdef", "hook label"),
        ("/hooks/gitea/CI/shop/0123456789abcdef", "object name"),
        ("/hooks/gitea/ci//0123456789abcdef", "object name"),
        ("/hooks/gitea/ci/shop/0123456789abcde", "salt"),
        ("/hooks/gitea/ci/shop/0123456789abcde%", "salt"),
    ] {
        match bad.parse::<HookPath>() {
            Err(HookPathError::Part(error)) => assert_eq!(error.kind, kind, "{bad:?}"),
            other => unreachable!("{bad:?} gave {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn display_parses_back(salt in "[A-Za-z0-9_-]{16,64}", name in "[a-z0-9]{1,63}", label in prop::sample::select(&HookLabel::ALL)) {
        let path = HookPath::Config {
            label,
            config: ConfigRef { namespace: "ci".parse().expect("namespace"), name: name.parse().expect("name") },
            salt: salt.parse().expect("salt"),
        };
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn random_salts_are_salts(bytes: [u8; 16]) {
        let salt = Salt::from_random(bytes);
        prop_assert_eq!(salt.as_str().parse(), Ok(salt.clone()));
    }
}
