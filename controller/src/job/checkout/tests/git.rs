//! What a job's own git finds: the table of docs/jobs.md. The host is gone by then, and there is no credential.

use std::os::unix::fs::PermissionsExt;

use super::{http, *};

/// Five commits of `a.txt` on main, an annotated tag on the second and a light one on the third, a tag of another branch, and
/// a pull request that starts at the third.
fn history() -> (Scene, CommitSha, CommitSha) {
    let scene = Scene::new();
    let pushed = |number: u32| {
        let sha = scene.commit("main", &[("a.txt", &*format!("line of {number}\n").repeat(2))]);
        scene.push(&sha, "refs/heads/main");
        sha
    };
    pushed(2);
    scene.git("work", &["tag", "--annotate", "--message", "first", "v1"]);
    pushed(3);
    scene.git("work", &["tag", "v2-light"]);
    let head = scene.commit("feature", &[("b.txt", "line of the head\n")]);
    scene.push(&head, "refs/pull/7/head");
    let other = scene.commit("other", &[("c.txt", "other\n")]);
    scene.git("work", &["tag", "elsewhere", other.as_str()]);
    pushed(4);
    let base = pushed(5);
    scene.git("work", &["push", "--quiet", "origin", "--tags"]);
    (scene, base, head)
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tags_and_differences_work_for_pushes_and_pull_requests_private_and_public() {
    for (host, credential) in [
        (http::private as fn(PathBuf) -> http::HostSpec, Some("s3cr3t-t0ken")),
        (http::public as fn(PathBuf) -> http::HostSpec, None),
    ] {
        for is_pull_request in [false, true] {
            let (scene, base, head) = history();
            let pulled = is_pull_request.then_some(&head);
            let (_scene, checkout) = http::checkout(scene, host, &base, pulled, credential).await;
            checkout.assert_merged();

            let blamed = checkout.git(&["blame", "-s", "a.txt"]);
            assert_eq!(blamed.matches("line of 5").count(), 2, "{blamed}");
            let patches = checkout.git(&["log", "-p", "--format=%s"]);
            for number in 2..=5 {
                assert!(patches.contains(&format!("+line of {number}")), "{number}: {patches}");
            }
            let first_parent = if is_pull_request { "HEAD^1~3" } else { "HEAD~3" };
            assert!(checkout.git(&["diff", first_parent]).contains("-line of 2"));
            assert_eq!(checkout.git(&["tag", "--list"]), "v1\nv2-light");
            assert!(checkout.git(&["describe"]).starts_with("v1-"));
            assert!(checkout.git(&["describe", "--tags"]).starts_with("v2-light-"));
            assert_eq!(checkout.git(&["rev-parse", "origin/main"]), base.as_str());
            let changed = checkout.git(&["diff", "--name-only", "origin/main...HEAD"]);
            assert_eq!(changed, if is_pull_request { "b.txt" } else { "" });
            assert_eq!(
                checkout.git(&["diff", "--stat", "refs/tidegate/base", "HEAD"]).is_empty(),
                !is_pull_request
            );
            assert_eq!(checkout.git(&["fsck", "--connectivity-only"]), "", "nothing is missing");
            assert_eq!(checkout.git(&["status", "--porcelain"]), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn submodules_are_left_to_the_job_which_gets_public_ones() {
    let (scene, base, _) = history();
    scene.git(".", &["clone", "--quiet", "--bare", "work", "library.git"]);
    let library = scene.git("library.git", &["rev-parse", "main"]);
    let modules = "[submodule \"library\"]\n\tpath = library\n\turl = ../library.git\n";
    scene.commit("main", &[(".gitmodules", modules)]);
    scene.git("work", &["update-index", "--add", "--cacheinfo", &format!("160000,{library},library")]);
    scene.git("work", &["commit", "--quiet", "--message", "a submodule"]);
    let head = head_of(&scene);
    assert_ne!(base, head);
    scene.push(&head, "refs/heads/main");
    let host = http::serve(http::public(scene.dir.path().to_owned())).await;
    let url = format!("http://{}/host.git", host.address);
    tokio::task::spawn_blocking(move || {
        let checkout = scene.checkout_from("task", &url, "refs/heads/main", &head, &[], None);
        checkout.assert_merged();
        assert!(!checkout.source.join("library/a.txt").exists());
        checkout.git(&["submodule", "--quiet", "update", "--init"]);
        assert_eq!(checkout.file("library/a.txt").as_deref(), Some("line of 5\nline of 5\n"));
    })
    .await
    .expect("no panic");
    drop(host);
}

#[test]
fn files_of_lfs_stay_pointers() {
    const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    let scene = Scene::new();
    let attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
    let head = scene.commit("main", &[(".gitattributes", attributes), ("model.bin", POINTER)]);
    scene.push(&head, "refs/heads/main");
    let checkout = scene.checkout("task", &head, &[]);
    checkout.assert_merged();
    assert_eq!(checkout.file("model.bin").as_deref(), Some(POINTER));
}

#[test]
fn files_have_the_modes_of_a_clone_whose_group_writes() {
    let scene = Scene::new();
    fs::create_dir(scene.path("work/bin")).expect("directory");
    fs::write(scene.path("work/bin/run"), "#!/bin/sh\n").expect("writes");
    fs::set_permissions(scene.path("work/bin/run"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let head = scene.commit("main", &[("a.txt", "two\n")]);
    scene.push(&head, "refs/heads/main");
    let checkout = scene.checkout("task", &head, &[]);
    checkout.assert_merged();
    for (path, expected) in [
        ("a.txt", 0o664),
        ("bin", 0o775),
        ("bin/run", 0o775),
        (".git", 0o775),
        (".git/config", 0o664),
        (".git/tidegate.gitconfig", 0o664),
    ] {
        let mode = fs::metadata(checkout.source.join(path)).expect("exists").permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{path} has mode {mode:o}");
    }
}

#[test]
fn git_trusts_the_directory_whatever_a_job_sets() {
    let scene = Scene::new();
    let checkout = scene.checkout("task", &head_of(&scene), &[]);
    checkout.assert_merged();
    let mut foreign = checkout.command(&["log", "-1", "--format=%s"]);
    // Git's own way to pretend that the files are somebody else's.
    foreign.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    foreign.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "user.name").env("GIT_CONFIG_VALUE_0", "CI");
    assert!(foreign.output().expect("git runs").status.success());
    foreign.env_remove("GIT_CONFIG_SYSTEM").env("GIT_CONFIG_NOSYSTEM", "1");
    let refused = foreign.output().expect("git runs");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("dubious ownership"), "{refused:?}");
    let included =
        checkout.git(&["config", "--file", ".git/tidegate.gitconfig", "--get-all", "include.path"]);
    assert_eq!(included, "/etc/gitconfig\n/usr/local/etc/gitconfig");
}
