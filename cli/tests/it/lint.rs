//! `tidegate lint`, run as people run it.

use std::{fs, path::Path};

use crate::command::{Outcome, tidegate, tidegate_in};

const CONFIG: &str = "apiVersion: tidegate.dev/v1alpha1
kind: IntegrationConfig
metadata: {name: shop, namespace: ci}
spec:
  git: {type: gitea, repository: acme/shop, tokenSecretRef: {name: git, key: token}}
";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn each_bad_file_gets_findings_with_line_and_field() {
    insta::glob!("lint/bad/*.yaml", |path| {
        let name = path.file_name().expect("a name").to_str().expect("UTF-8");
        let folder = path.parent().expect("a folder");
        let Outcome { code, stdout, stderr } = tidegate_in(folder, &["lint", name], b"");
        assert_eq!(code, 1, "{stdout}{stderr}");
        insta::assert_snapshot!(format!("{stdout}{stderr}"));
    });
}

/// The blocks of YAML in a page.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

#[test]
fn the_configs_in_the_manual_are_good() {
    let mut pages: Vec<_> = fs::read_dir(root().join("docs"))
        .expect("the manual")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.extend([root().join("README.md"), root().join("infra/kubernetes/README.md")]);
    let mut checked = 0;
    for path in pages {
        let page = fs::read_to_string(&path).expect("a page");
        for block in blocks(&page).filter(|block| block.contains("kind: IntegrationConfig")) {
            let outcome = tidegate(&["lint", "-"], block.as_bytes());
            assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 0, "the manual shows no config");
}

#[test]
fn several_files_and_stdin_are_checked_and_other_kinds_skipped_aloud() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: git}\n---\n";
    fs::write(folder.path().join("good.yaml"), format!("{secret}{CONFIG}---\n---\n{CONFIG}"))
        .expect("written");
    fs::write(folder.path().join("bad.yaml"), format!("{CONFIG}  timeout: soon\n")).expect("written");

    let outcome = tidegate_in(folder.path(), &["lint", "good.yaml", "-"], CONFIG.as_bytes());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
    assert_eq!(
        outcome.stderr,
        "tidegate: good.yaml:1: skipped, a Secret\ntidegate: configs checked: 3, findings: 0\n"
    );

    let outcome = tidegate_in(folder.path(), &["lint", "bad.yaml", "good.yaml"], b"");
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.starts_with("bad.yaml:6:3: spec.timeout: "), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
}

#[test]
fn a_file_without_a_config_is_exit_code_2_and_every_other_file_is_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let stranger = CONFIG.replace("tidegate.dev/v1alpha1", "tidegate.io/v1alpha1");
    for (name, text) in [
        ("good.yaml", CONFIG.to_owned()),
        ("bad.yaml", format!("{CONFIG}  timeout: soon\n")),
        ("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: git}\n".to_owned()),
        ("stranger.yaml", stranger.clone()),
        ("both.yaml", format!("{CONFIG}---\n{stranger}")),
        ("empty.yaml", String::new()),
        ("broken.yaml", "a: [".to_owned()),
        ("comment.yaml", "# nothing\n---\n".to_owned()),
    ] {
        fs::write(folder.path().join(name), text).expect("written");
    }
    fs::write(folder.path().join("latin.yaml"), b"\xff").expect("written");
    fs::create_dir(folder.path().join("folder.yaml")).expect("made");
    for (unchecked, said) in [
        ("secret.yaml", "secret.yaml: there is no IntegrationConfig to check"),
        (
            "stranger.yaml",
            "stranger.yaml:1: skipped, an IntegrationConfig of tidegate.io/v1alpha1: expected tidegate.dev/v1alpha1",
        ),
        ("both.yaml", "both.yaml:7: skipped, an IntegrationConfig of tidegate.io/v1alpha1"),
        ("empty.yaml", "empty.yaml: there is no IntegrationConfig to check"),
        ("comment.yaml", "comment.yaml: there is no IntegrationConfig to check"),
        ("latin.yaml", "failed to read latin.yaml: it is not UTF-8"),
        ("missing.yaml", "failed to read missing.yaml: No such file"),
        ("folder.yaml", "failed to read folder.yaml: Is a directory"),
    ] {
        for files in [["good.yaml", unchecked, "bad.yaml"], [unchecked, "bad.yaml", "good.yaml"]] {
            let outcome = tidegate_in(folder.path(), &[&["lint"][..], &files].concat(), b"");
            assert_eq!(outcome.code, 2, "{files:?}: {}", outcome.stderr);
            assert!(
                outcome.stdout.starts_with("bad.yaml:6:3: spec.timeout: "),
                "{files:?}: {}",
                outcome.stdout
            );
            assert!(outcome.stderr.contains(said), "{files:?}: {}", outcome.stderr);
            assert!(outcome.stderr.ends_with(", findings: 1, files not checked: 1\n"), "{}", outcome.stderr);
        }
        let outcome = tidegate_in(folder.path(), &["lint", "good.yaml", unchecked], b"");
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{unchecked}");
    }
    let broken = tidegate_in(folder.path(), &["lint", "broken.yaml", "good.yaml"], b"");
    assert_eq!(broken.code, 2, "{}", broken.stderr);
    assert!(broken.stdout.starts_with("broken.yaml:1:"), "{}", broken.stdout);
}

#[test]
fn what_cannot_be_checked_is_one_line_and_exit_code_2() {
    for (outcome, line) in [
        (tidegate(&["lint", "no-such-file.yaml"], b""), "failed to read no-such-file.yaml: No such file"),
        (tidegate(&["lint", "-"], b"\xff"), "failed to read -: it is not UTF-8"),
        (tidegate(&["lint", "-"], b""), "there is no IntegrationConfig to check"),
        (tidegate(&["lint"], b""), "<FILE>"),
    ] {
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(line), "{:?} lacks {line:?}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{:?}", outcome.stderr);
    }
}
