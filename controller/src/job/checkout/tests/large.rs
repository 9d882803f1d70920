//! Repositories whose history is larger than what is fetched of one.

use super::*;

/// A scene whose first commits hold more than the limit of what can't be compressed.
pub(super) fn large() -> Scene {
    let mut scene = Scene::new();
    scene.history_mib = 1;
    for number in 0..2_u64 {
        let bytes: Vec<u8> =
            (0..700_000_u64).flat_map(|at| hash(at + number * 1_000_000).to_le_bytes()).collect();
        fs::write(scene.path("work/large.bin"), &bytes[..1_400_000]).expect("writes");
        scene.commit("main", &[("number", &number.to_string())]);
    }
    fs::remove_file(scene.path("work/large.bin")).expect("removes");
    let head = scene.commit("main", &[("a.txt", "two\n")]);
    scene.push(&head, "refs/heads/main");
    scene
}

/// Bits that look random, by a number (`splitmix64`).
fn hash(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How many objects of the history are not there.
fn missing(checkout: &Checkout) -> usize {
    let objects = checkout.git(&["rev-list", "--objects", "--missing=print", "HEAD"]);
    objects.lines().filter(|line| line.starts_with('?')).count()
}

#[test]
fn a_pushed_commit_of_a_large_repository_comes_without_history() {
    let scene = large();
    let head = head_of(&scene);
    scene.git("work", &["tag", "v1"]);
    scene.git("work", &["push", "--quiet", "origin", "refs/tags/v1"]);
    let checkout = scene.checkout("task", &head, &[]);
    checkout.assert_merged();
    assert!(checkout.log().contains("more than 1 MiB: fetching --depth=1"), "{}", checkout.log());
    assert_eq!(checkout.git(&["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(checkout.git(&["describe", "--tags"]), "v1");
    assert_eq!(missing(&checkout), 0);
    assert!(checkout.git(&["count-objects", "-v"]).contains("\ngarbage: 0"), "nothing half is left");
}

#[test]
fn a_pull_request_of_a_large_repository_comes_without_old_files() {
    let scene = large();
    let base = head_of(&scene);
    let head = scene.commit("feature", &[("b.txt", "two\n")]);
    scene.push(&head, "refs/pull/7/head");
    let base_too = scene.commit("main", &[("c.txt", "two\n")]);
    scene.push(&base_too, "refs/heads/main");
    let checkout = scene.checkout("task", &base_too, &[(7, &head)]);
    checkout.assert_merged();
    assert!(checkout.log().contains("fetching --filter=blob:none"), "{}", checkout.log());
    assert_eq!(checkout.file("b.txt").as_deref(), Some("two\n"));
    assert_eq!(checkout.git(&["merge-base", "HEAD^1", "HEAD^2"]), base.as_str());
    assert!(missing(&checkout) >= 2, "the large files are not there");
    // Git gets them where it can reach the host.
    assert!(checkout.git(&["log", "-p", "--format=%s"]).contains("+two"));
    assert_eq!(missing(&checkout), 0);

    // The same limit, and a history that fits.
    let mut small = Scene::new();
    small.history_mib = 1;
    let checkout = small.checkout("task", &head_of(&small), &[]);
    checkout.assert_merged();
    assert!(!checkout.log().contains("MiB"), "{}", checkout.log());
}
