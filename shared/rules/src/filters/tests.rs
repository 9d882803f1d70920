use super::*;

fn job(name: &str, when: When) -> JobSpec {
    JobSpec {
        name: name.parse().expect("a job name"),
        image: "busybox".to_owned(),
        command: vec!["true".to_owned()],
        args: Vec::new(),
        script: None,
        env: Vec::new(),
        after: Vec::new(),
        when,
        timeout: None,
        optional: false,
        skip_checkout: false,
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn reason(when: When, reference: &str) -> Option<String> {
    let selection =
        select(&[job("j", when)], &reference.parse().expect("a ref")).expect("patterns are globs");
    selection.skipped.into_iter().next().map(|(_, reason)| reason)
}

#[test]
fn without_a_filter_a_job_runs_for_branches_and_tags() {
    assert_eq!(reason(When::default(), "refs/heads/main"), None);
    assert_eq!(reason(When::default(), "refs/tags/v1"), None);
}

#[test]
fn branches_and_skip_branches_are_globs_that_stop_at_slashes() {
    let when = When {
        branches: strings(&["main", "release/*", "deep/**"]),
        skip_branches: strings(&["release/0.*"]),
        ..When::default()
    };
    for runs in ["main", "release/1.0", "deep/a/b"] {
        assert_eq!(reason(when.clone(), &format!("refs/heads/{runs}")), None, "{runs}");
    }
    for (left_out, why) in [
        ("mainline", "branch mainline is not among its branch patterns"),
        ("release/1.0/hot", "branch release/1.0/hot is not among its branch patterns"),
        ("release/0.9", "branch release/0.9 is excluded"),
    ] {
        assert_eq!(reason(when.clone(), &format!("refs/heads/{left_out}")).as_deref(), Some(why));
    }
    assert_eq!(reason(when, "refs/tags/main").as_deref(), Some("it runs for branches only"));
}

#[test]
fn tags_and_skip_tags_judge_tags() {
    let when = When { tags: strings(&["v*"]), skip_tags: strings(&["v0*"]), ..When::default() };
    assert_eq!(reason(when.clone(), "refs/tags/v1.2"), None);
    assert_eq!(reason(when.clone(), "refs/tags/v0.1").as_deref(), Some("tag v0.1 is excluded"));
    assert_eq!(reason(when.clone(), "refs/tags/x").as_deref(), Some("tag x is not among its tag patterns"));
    assert_eq!(reason(when, "refs/heads/v1.2").as_deref(), Some("it runs for tags only"));
}

#[test]
fn skip_branches_alone_says_nothing_about_tags() {
    let when = When { skip_branches: strings(&["main"]), ..When::default() };
    assert_eq!(reason(when.clone(), "refs/tags/main"), None);
    assert_eq!(reason(when, "refs/heads/main").as_deref(), Some("branch main is excluded"));
}

#[test]
fn a_job_after_one_that_is_left_out_comes_after_its_predecessors() {
    let mut left_out = job("b", When { tags: strings(&["v*"]), ..When::default() });
    left_out.after = vec!["a".parse().expect("a job name")];
    let mut follower = job("c", When::default());
    follower.after = vec![left_out.name.clone()];
    let reference = "refs/heads/main".parse().expect("a ref");
    let selection =
        select(&[job("a", When::default()), left_out, follower], &reference).expect("patterns are globs");
    let order: Vec<_> = selection.run.iter().map(|job| (job.name.as_str(), &job.after[..])).collect();
    assert_eq!(order, [("a", &[][..]), ("c", &["a".parse().expect("a job name")][..])]);
}

#[test]
fn a_bad_pattern_names_the_job_and_itself() {
    let bad = job("lint", When { skip_tags: strings(&["v{1"]), ..When::default() });
    let found: Vec<_> = check(&bad).collect();
    let [(field, error)] = &found[..] else {
        panic!("expected one unclosed brace, got {found:?}");
    };
    assert_eq!(field, "when.skipTags[0]");
    assert_eq!((error.job.as_str(), error.pattern.as_str()), ("lint", "v{1"));
    assert!(error.to_string().starts_with("job lint: pattern \"v{1\" in when is no glob: "), "{error}");
}
