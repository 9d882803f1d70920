use proptest::prelude::*;

use super::*;

#[test]
fn repository_paths_have_an_owner_and_a_name() {
    let path: RepositoryPath = "group/sub/My.Repo".parse().expect("valid path");
    assert_eq!((path.owner(), path.name()), ("group/sub", "My.Repo"));
    assert!(path.is_same_as(&"Group/Sub/my.repo".parse().expect("valid path")));
    let nested: RepositoryPath = "acme/web/front-end/_shared.v2/shop".parse().expect("GitLab's groups");
    assert_eq!((nested.owner(), nested.name()), ("acme/web/front-end/_shared.v2", "shop"));
    for bad in ["", "name", "/name", "owner/", "a//b", "a/..", "a/b c", "a/b;rm", "ä/b"] {
        assert!(bad.parse::<RepositoryPath>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn commit_shas_are_full_lowercase_and_not_zero() {
    assert!("a".repeat(40).parse::<CommitSha>().is_ok());
    assert!("a".repeat(64).parse::<CommitSha>().is_ok());
    for bad in ["a".repeat(39), "A".repeat(40), "0".repeat(40), "g".repeat(40), String::new()] {
        assert!(bad.parse::<CommitSha>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn a_hint_has_7_to_64_digits_and_fits_every_commit_that_begins_with_it() {
    let commit = |text: &str| text.repeat(40).parse::<CommitSha>().expect("a SHA");
    for hint in ["aaaaaaa", "aaaaaaaaaaaa", &"a".repeat(40)] {
        let hint: CommitHint = hint.parse().expect("a hint");
        assert!(hint.may_be(&commit("a")) && !hint.may_be(&commit("b")), "{hint}");
    }
    let longer: CommitHint = "a".repeat(64).parse().expect("a hint");
    assert!(!longer.may_be(&commit("a")), "it has digits that the commit lacks");
    assert!(CommitHint::from(commit("a")).may_be(&commit("a")));
    for bad in ["", "aaaaaa", "AAAAAAA", "0000000", "ggggggg", "main", &"a".repeat(65)] {
        assert!(bad.parse::<CommitHint>().is_err(), "{bad:?} was accepted");
    }
    assert!("aaaaaaaaaaaa".parse::<CommitSha>().is_err(), "a hint is no commit");
}

#[test]
fn a_login_is_whatever_one_word_the_host_knows_an_account_by() {
    for good in ["dora", "dora-l_1.x", "dependabot[bot]", "{d301aafa-d676-4ee0-88be-962be7417567}", "dörte"]
    {
        assert_eq!(good.parse::<Login>().expect("a login").as_str(), good);
    }
    for bad in ["", "Dora Lange", "a/b", "a\u{a0}b", "a\nb"] {
        assert!(bad.parse::<Login>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn job_names_are_dns_labels_of_at_most_40_characters() {
    assert!("unit-test-1".parse::<JobName>().is_ok());
    for bad in ["-a", "a-", "A", "a_b", "a.b", &"a".repeat(41)] {
        assert!(bad.parse::<JobName>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn an_error_names_what_was_expected_and_cuts_the_value() {
    let error = "x".repeat(200).parse::<JobName>().expect_err("too long");
    assert_eq!(error.value.len(), 80);
    assert!(error.to_string().starts_with("job name \"xxx"), "{error}");
}

#[test]
fn deserialising_checks_the_same_rule() {
    let error = serde_json::from_str::<CommitSha>("\"abc\"").expect_err("too short");
    assert!(error.to_string().contains("commit SHA \"abc\" is invalid"), "{error}");
}

proptest! {
    #[test]
    fn parsing_never_panics_and_round_trips(text in ".{0,80}") {
        if let Ok(path) = text.parse::<RepositoryPath>() {
            prop_assert_eq!(path.as_str(), text.as_str());
            prop_assert_eq!(format!("{}/{}", path.owner(), path.name()), text);
        }
    }
}
