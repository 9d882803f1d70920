//! What is said of a conflict.

use super::*;

/// What is said of a pull request that changes these files otherwise than the base does.
fn conflict_in(files: &[&str]) -> String {
    let scene = Scene::new();
    let changed = |content| files.iter().map(|file| (*file, content)).collect::<Vec<_>>();
    let head = scene.commit("feature", &changed("theirs\n"));
    scene.push(&head, "refs/pull/7/head");
    let base = scene.commit("main", &changed("ours\n"));
    scene.push(&base, "refs/heads/main");
    let checkout = scene.checkout("task", &base, &[(7, &head)]);
    let (outcome, detail) = checkout.failure();
    assert_eq!(outcome, Outcome::Conflict, "{}", checkout.log());
    detail.to_owned()
}

#[test]
fn a_conflict_is_named_by_its_files() {
    assert_eq!(conflict_in(&["a.txt", "b.txt"]), "conflict in a.txt, b.txt");
}

#[test]
fn the_names_of_files_are_whole_characters() {
    assert_eq!(conflict_in(&["説明書.md"]), "conflict in 説明書.md");
    assert_eq!(conflict_in(&["naïve file.txt", "🦀.rs"]), "conflict in naïve file.txt, 🦀.rs");
    // What git quotes by itself.
    assert_eq!(conflict_in(&["a\"b\\\u{1}\n.md"]), r#"conflict in "a\"b\\\001\n.md""#);
}

#[test]
fn long_names_are_cut_between_characters() {
    for shift in 0..4 {
        let name = format!("{}{}", "x".repeat(shift), "説".repeat(60));
        let detail = conflict_in(&[&name]);
        let shown = detail.strip_prefix("conflict in ").expect("a conflict");
        assert!(name.starts_with(shown) && (117..=120).contains(&shown.len()), "{shown}");

        let names: Vec<String> = (1..=8).map(|number| format!("{number}{name}")).collect();
        let detail = conflict_in(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!((597..=600).contains(&detail.len()), "{} bytes: {detail}", detail.len());
        assert!(!detail.contains('\u{fffd}'), "{detail}");
    }
}
