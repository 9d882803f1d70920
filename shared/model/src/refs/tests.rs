use std::process::Command;

use proptest::{prelude::*, sample::select};

use super::*;

/// Whether git itself accepts `refs/heads/NAME`.
fn does_git_accept(name: &str) -> bool {
    let status = Command::new("git").args(["check-ref-format", &format!("refs/heads/{name}")]).status();
    status.expect("git runs").success()
}

#[test]
fn names_are_accepted_as_git_accepts_them() {
    for good in [
        "main",
        "release/1.2",
        "feature/a-b_c",
        "ümlaut",
        "v1.0",
        "@",
        "-x",
        "--upload-pack=x",
        "a\u{3000}b",
        "a\u{85}b",
        "\u{a0}",
        "HEAD",
        "rel/$(CI)",
        "a@b",
        "@/a",
        "a/-b",
        "'\"`;&|<>$#!%,=+()]}",
        "\u{feff}",
        "\u{fffd}",
        "refs/heads/x",
    ] {
        assert!(does_git_accept(good), "git refuses {good:?}");
        assert!(good.parse::<RefName>().is_ok(), "{good:?} was refused");
    }
    for bad in [
        "", "a..b", "a b", "a~1", "a^", "a:b", "/a", "a/", "a//b", "x.lock", "x.lock/y", ".a", "a/.b", "a.",
        "a@{1}", "a\tb", "a\nb", "a\u{7f}b", "a\\b", "a?", "a*", "a[",
    ] {
        assert!(!does_git_accept(bad), "git accepts {bad:?}");
        assert!(bad.parse::<RefName>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn a_name_has_at_most_244_characters() {
    for character in ["a", "説"] {
        assert!(character.repeat(244).parse::<RefName>().is_ok());
        assert!(character.repeat(245).parse::<RefName>().is_err());
    }
}

/// Names made of parts that the rules mention, and of parts that they don't.
fn name() -> impl Strategy<Value = String> {
    const PARTS: [&str; 24] = [
        "a", "b", ".", "..", "/", "@", "{", "-", ".lock", "lock", " ", "~", "^", ":", "?", "*", "[", "\\",
        "\u{1}", "\u{7f}", "\u{85}", "\u{3000}", "説", "HEAD",
    ];
    let known = prop::collection::vec(select(&PARTS[..]), 0..6).prop_map(|parts| parts.concat());
    // An argument of a program holds no zero byte; git refuses it like every other control character.
    prop_oneof![3 => known, 1 => "[^\\x00]{0,8}"]
}

proptest! {
    #[test]
    fn a_name_is_accepted_if_and_only_if_git_accepts_it(name in name()) {
        prop_assert_eq!(name.parse::<RefName>().is_ok(), does_git_accept(&name));
        let with_zero = name + "\0";
        prop_assert!(with_zero.parse::<RefName>().is_err());
    }
}

#[test]
fn full_refs_round_trip_as_strings() {
    for text in ["refs/heads/a/b", "refs/tags/v1"] {
        let parsed: GitRef = text.parse().expect("valid ref");
        assert_eq!(serde_json::to_string(&parsed).expect("serialises"), format!("{text:?}"));
    }
    assert!("refs/pull/1/head".parse::<GitRef>().is_err());
}
