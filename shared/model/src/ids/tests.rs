use proptest::prelude::*;

use super::*;

#[test]
fn repository_paths_have_an_owner_and_a_name() {
    let path: RepositoryPath = "group/sub/My.Repo".parse().expect("valid path");
    assert_eq!((path.owner(), path.name()), ("group/sub", "My.Repo"));
    assert!(path.is_same_as(&"Group/Sub/my.repo".parse().expect("valid path")));
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
