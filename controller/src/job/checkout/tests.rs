//! `checkout.sh` against real repositories.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use super::*;

/// A host's repository, a clone to write with, and the directory of a task.
struct Scene {
    dir: TempDir,
    script: String,
    history_mib: u32,
    has_head_refs: bool,
}

impl Scene {
    /// The ref of a pull request's head, as the controller names it.
    fn head_ref(&self, number: u64) -> String {
        if self.has_head_refs { format!("refs/pull/{number}/head") } else { String::new() }
    }

    /// A repository whose branch `main` has one commit with `a.txt` and `b.txt`.
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        let scene = Self { dir, script: SCRIPT.to_owned(), history_mib: HISTORY_MIB, has_head_refs: true };
        fs::create_dir(scene.path("work")).expect("directory");
        scene.git("work", &["init", "--quiet", "--initial-branch=main"]);
        scene.commit("main", &[("a.txt", "one\n"), ("b.txt", "one\n")]);
        scene.git(".", &["clone", "--quiet", "--bare", "work", "host.git"]);
        // What GitHub and Gitea allow, too.
        scene.git("host.git", &["config", "uploadpack.allowFilter", "true"]);
        scene.git("work", &["remote", "add", "origin", "../host.git"]);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn git(&self, dir: &str, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Dev", "-c", "user.email=dev@example.com"])
            .args(args)
            .current_dir(self.path(dir))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// Commits files on a branch, which starts at `main` if it is new.
    fn commit(&self, branch: &str, files: &[(&str, &str)]) -> CommitSha {
        if branch != "main" {
            self.git("work", &["checkout", "--quiet", "-B", branch, "main"]);
        }
        for (name, content) in files {
            fs::write(self.path("work").join(name), content).expect("writes");
        }
        self.git("work", &["add", "."]);
        self.git("work", &["commit", "--quiet", "-m", branch]);
        let sha = self.git("work", &["rev-parse", "HEAD"]);
        if branch != "main" {
            self.git("work", &["checkout", "--quiet", "main"]);
        }
        sha.parse().expect("commit SHA")
    }

    fn push(&self, sha: &CommitSha, reference: &str) {
        self.git("work", &["push", "--quiet", "--force", "origin", &format!("{sha}:{reference}")]);
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("host.git").display())
    }

    fn checkout(&self, task: &str, base: &CommitSha, heads: &[(u64, &CommitSha)]) -> Checkout {
        self.checkout_from(task, &self.url(), "refs/heads/main", base, heads, None)
    }

    fn checkout_from(
        &self,
        task: &str,
        url: &str,
        base_ref: &str,
        base: &CommitSha,
        heads: &[(u64, &CommitSha)],
        credential: Option<&str>,
    ) -> Checkout {
        let source = self.path(task).join("source");
        fs::create_dir_all(&source).expect("directory");
        fs::write(self.path(task).join("checkout.sh"), &self.script).expect("writes");
        let heads: Vec<String> =
            heads.iter().map(|(number, sha)| format!("{number} {sha} {}", self.head_ref(*number))).collect();
        let mut command = Command::new("sh");
        command
            .arg("../checkout.sh")
            .current_dir(&source)
            .env("TIDEGATE_CLONE_URL", url)
            .env("TIDEGATE_BASE_REF", base_ref)
            .env("TIDEGATE_BASE_SHA", base.as_str())
            .env("TIDEGATE_HEADS", heads.join("\n"))
            .env("TIDEGATE_HISTORY_MIB", self.history_mib.to_string());
        for result in CheckoutResult::ALL {
            command.env(result.variable(), self.path(task).join(result.as_str()));
        }
        if let Some(token) = credential {
            let file = self.path(task).join("token");
            fs::write(&file, token).expect("writes");
            command.env("TIDEGATE_CREDENTIAL_FILE", file).env(GIT_USER, "tidegate-user");
        }
        let output = command.output().expect("sh runs");
        let result = |result: CheckoutResult| {
            let text = fs::read_to_string(self.path(task).join(result.as_str())).unwrap_or_default();
            (result.as_str(), text)
        };
        Checkout { source, output, results: CheckoutResult::ALL.into_iter().map(result).collect() }
    }
}

struct Checkout {
    source: PathBuf,
    output: Output,
    results: HashMap<&'static str, String>,
}

impl Checkout {
    fn result(&self, result: CheckoutResult) -> &str {
        &self.results[result.as_str()]
    }

    /// How it ended, as the controller reads it, and why.
    fn failure(&self) -> (Outcome, &str) {
        assert!(!self.output.status.success(), "{}", self.log());
        let outcome = Outcome::of_failure(Some(self.result(CheckoutResult::Outcome)));
        (outcome, self.result(CheckoutResult::Detail))
    }

    fn assert_merged(&self) {
        assert!(self.output.status.success(), "{}", self.log());
        assert_eq!(self.result(CheckoutResult::Outcome), "merged");
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.source.join(name)).ok()
    }

    fn git(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// Git as a job runs it.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(&self.source)
            .env("GIT_CONFIG_SYSTEM", self.source.join(".git/tidegate.gitconfig"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0");
        command
    }

    fn log(&self) -> String {
        format!(
            "{}{}",
            String::from_utf8_lossy(&self.output.stdout),
            String::from_utf8_lossy(&self.output.stderr)
        )
    }
}

fn head_of(scene: &Scene) -> CommitSha {
    scene.git("work", &["rev-parse", "main"]).parse().expect("commit SHA")
}

#[test]
fn every_task_of_a_run_builds_the_same_merge() {
    let scene = Scene::new();
    let head = scene.commit("feature", &[("a.txt", "two\n")]);
    scene.push(&head, "refs/pull/7/head");
    let base = scene.commit("main", &[("b.txt", "two\n")]);
    scene.push(&base, "refs/heads/main");
    let first = scene.checkout("first", &base, &[(7, &head)]);
    // The branch moves, but this run keeps the base that it recorded.
    let newer = scene.commit("main", &[("b.txt", "three\n")]);
    scene.push(&newer, "refs/heads/main");
    let second = scene.checkout("second", &base, &[(7, &head)]);
    for checkout in [&first, &second] {
        checkout.assert_merged();
        assert_eq!(checkout.file("a.txt").as_deref(), Some("two\n"));
        assert_eq!(checkout.file("b.txt").as_deref(), Some("two\n"));
        assert_eq!(checkout.git(&["rev-parse", "HEAD"]), checkout.result(CheckoutResult::Commit));
        assert_eq!(checkout.git(&["rev-parse", "HEAD^{tree}"]), checkout.result(CheckoutResult::Tree));
        assert_eq!(
            checkout.git(&["log", "-1", "--format=%P %an %ae"]),
            format!("{base} {head} Tidegate tidegate@localhost")
        );
        assert_eq!(checkout.git(&["status", "--porcelain"]), "");
    }
    assert_eq!(first.result(CheckoutResult::Commit), second.result(CheckoutResult::Commit));
    assert_ne!(first.result(CheckoutResult::Commit), "");
}

#[test]
fn several_pull_requests_are_merged_in_order() {
    let scene = Scene::new();
    let base = head_of(&scene);
    let one = scene.commit("one", &[("a.txt", "two\n")]);
    let two = scene.commit("two", &[("c.txt", "new\n")]);
    scene.push(&one, "refs/pull/1/head");
    scene.push(&two, "refs/pull/2/head");
    let checkout = scene.checkout("task", &base, &[(1, &one), (2, &two)]);
    checkout.assert_merged();
    assert_eq!(checkout.file("a.txt").as_deref(), Some("two\n"));
    assert_eq!(checkout.file("c.txt").as_deref(), Some("new\n"));
    // Each is a merge of its own, also where the base could just be moved forward.
    let subjects = checkout.git(&["log", "--first-parent", "-2", "--format=%s"]);
    assert_eq!(
        subjects,
        format!("Merge #2 ({two}) into refs/heads/main\nMerge #1 ({one}) into refs/heads/main")
    );
}

#[test]
fn histories_without_a_common_root_are_a_conflict() {
    let scene = Scene::new();
    let base = head_of(&scene);
    scene.git("work", &["checkout", "--quiet", "--orphan", "other"]);
    scene.git("work", &["commit", "--quiet", "-m", "other root"]);
    let head = scene.git("work", &["rev-parse", "HEAD"]).parse().expect("commit SHA");
    scene.push(&head, "refs/pull/7/head");
    let checkout = scene.checkout("task", &base, &[(7, &head)]);
    assert_eq!(checkout.failure(), (Outcome::Conflict, "#7 and the base have no common history"));
}

#[test]
fn a_head_that_moved_is_built_as_long_as_the_host_has_it() {
    let scene = Scene::new();
    let base = head_of(&scene);
    let old = scene.commit("feature", &[("a.txt", "two\n")]);
    scene.push(&old, "refs/pull/7/head");
    let new = scene.commit("feature", &[("a.txt", "three\n")]);
    scene.push(&new, "refs/pull/7/head");
    let checkout = scene.checkout("kept", &base, &[(7, &old)]);
    checkout.assert_merged();
    assert_eq!(checkout.file("a.txt").as_deref(), Some("two\n"));

    scene.git("host.git", &["gc", "--quiet", "--prune=now"]);
    let checkout = scene.checkout("gone", &base, &[(7, &old)]);
    assert_eq!(checkout.failure(), (Outcome::Superseded, &*format!("#7 holds {old} no more")));
}

#[test]
fn without_a_ref_of_the_pull_request_a_head_is_fetched_by_its_sha_alone() {
    let mut scene = Scene::new();
    scene.has_head_refs = false;
    let base = head_of(&scene);
    let head = scene.commit("feature", &[("a.txt", "two\n")]);
    scene.push(&head, "refs/heads/feature");
    scene.checkout("kept", &base, &[(7, &head)]).assert_merged();
    let lost: CommitSha = "1".repeat(40).parse().expect("commit SHA");
    let checkout = scene.checkout("gone", &base, &[(7, &lost)]);
    assert_eq!(checkout.failure(), (Outcome::Superseded, &*format!("#7 holds {lost} no more")));
}

#[test]
fn a_base_that_is_gone_is_an_error() {
    let scene = Scene::new();
    let base = head_of(&scene);
    let head = scene.commit("feature", &[("a.txt", "two\n")]);
    scene.push(&head, "refs/pull/7/head");
    let lost: CommitSha = "1".repeat(40).parse().expect("commit SHA");
    assert_ne!(base, lost);
    let checkout = scene.checkout("task", &lost, &[(7, &head)]);
    assert_eq!(checkout.failure(), (Outcome::Error, &*format!("refs/heads/main holds {lost} no more")));
}

#[test]
fn a_pushed_commit_is_checked_out_with_its_history() {
    let scene = Scene::new();
    let pushed = scene.commit("main", &[("a.txt", "two\n")]);
    scene.push(&pushed, "refs/heads/main");
    let newer = scene.commit("main", &[("a.txt", "three\n")]);
    scene.push(&newer, "refs/heads/main");
    let checkout = scene.checkout("task", &pushed, &[]);
    checkout.assert_merged();
    assert_eq!(checkout.file("a.txt").as_deref(), Some("two\n"));
    assert_eq!(checkout.result(CheckoutResult::Commit), pushed.as_str());
    assert_eq!(checkout.git(&["rev-list", "--count", "HEAD"]), "2");
}

#[test]
fn an_annotated_tag_leads_to_its_commit() {
    let scene = Scene::new();
    let head = head_of(&scene);
    scene.git("work", &["tag", "-a", "-m", "first", "v1"]);
    scene.git("work", &["push", "--quiet", "origin", "refs/tags/v1"]);
    let tag: CommitSha = scene.git("work", &["rev-parse", "v1"]).parse().expect("object id");
    assert_ne!(tag, head);
    let checkout = scene.checkout_from("task", &scene.url(), "refs/tags/v1", &tag, &[], None);
    checkout.assert_merged();
    assert_eq!(checkout.result(CheckoutResult::Commit), head.as_str());
}

#[test]
fn a_pushed_commit_that_is_gone_is_superseded() {
    let scene = Scene::new();
    let lost: CommitSha = "1".repeat(40).parse().expect("commit SHA");
    let checkout = scene.checkout("task", &lost, &[]);
    assert_eq!(checkout.failure(), (Outcome::Superseded, &*format!("refs/heads/main holds {lost} no more")));
}

#[test]
fn a_missing_repository_is_unreadable() {
    let scene = Scene::new();
    let base = head_of(&scene);
    let url = format!("file://{}", scene.path("nowhere.git").display());
    let checkout = scene.checkout_from("task", &url, "refs/heads/main", &base, &[], None);
    assert_eq!(checkout.failure().0, Outcome::Unreadable, "{}", checkout.log());
}

#[test]
fn a_failed_fetch_is_reported_in_the_hosts_own_words() {
    let scene = Scene::new();
    let base = head_of(&scene);
    // The host has lost a file of the commit, which it finds out while it sends.
    let blob = scene.git("work", &["rev-parse", "HEAD:a.txt"]);
    let (folder, file) = blob.split_at(2);
    fs::remove_file(scene.path("host.git/objects").join(folder).join(file)).expect("a loose object");
    let checkout = scene.checkout("task", &base, &[]);
    let (outcome, detail) = checkout.failure();
    assert_eq!(outcome, Outcome::Error);
    assert!(detail.starts_with("git fetch failed: the host says: "), "{detail}\n{}", checkout.log());
    assert!(detail.contains(&blob) && !detail.contains("bad pack header"), "{detail}");
}

#[test]
fn a_host_that_cannot_be_reached_is_an_error_that_names_the_cause() {
    let scene = Scene::new();
    let base = head_of(&scene);
    // A name that never exists (RFC 6761).
    let checkout =
        scene.checkout_from("task", "http://git.invalid/shop.git", "refs/heads/main", &base, &[], None);
    let (outcome, detail) = checkout.failure();
    assert_eq!(outcome, Outcome::Error);
    assert!(detail.contains("git.invalid"), "{detail}");
}

#[test]
fn hooks_attributes_and_submodules_of_the_code_do_nothing() {
    let scene = Scene::new();
    let base = head_of(&scene);
    let head = scene.commit(
        "feature",
        &[
            (".gitattributes", "* filter=evil merge=evil\n"),
            (".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = file:///etc\n"),
            ("a.txt", "two\n"),
        ],
    );
    scene.push(&head, "refs/pull/7/head");
    let checkout = scene.checkout("task", &base, &[(7, &head)]);
    checkout.assert_merged();
    assert!(!checkout.source.join("x").exists());
    assert!(!checkout.source.join(".git/hooks").exists());
}

mod conflicts;
mod git;
mod http;
mod large;
