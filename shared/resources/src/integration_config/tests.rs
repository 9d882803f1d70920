//! Each CEL rule accepts and rejects. The sandbox and a real API server run the same rules.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::IntegrationConfig;

fn config(edit: impl FnOnce(&mut Value)) -> IntegrationConfig {
    let mut value = json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "IntegrationConfig",
        "metadata": {"name": "web"},
        "spec": {
            "git": {
                "type": "github",
                "repository": "acme/web",
                "tokenSecretRef": {"name": "github", "key": "token"},
            },
            "jobs": {
                "preSubmit": [{"name": "test", "image": "busybox", "script": "true", "env": [{"name": "A", "value": "1"}]}],
                "postSubmit": [{"name": "publish", "image": "busybox", "command": ["true"], "after": ["build"]}],
            },
        },
    });
    edit(&mut value);
    serde_json::from_value(value).expect("the edited object is an IntegrationConfig")
}

/// The messages of the rules that fail when the object is created.
fn broken(edit: impl FnOnce(&mut Value)) -> Vec<String> {
    messages(config(edit).validate_cel())
}

fn messages(outcome: Result<(), kube::core::cel::ValidationErrors>) -> Vec<String> {
    outcome
        .err()
        .map_or_else(Vec::new, |errors| errors.into_vec().into_iter().map(|error| error.message).collect())
}

#[test]
fn a_sound_config_breaks_no_rule() {
    assert_eq!(broken(|_| ()), [""; 0]);
    assert_eq!(broken(|config| config["spec"]["jobs"] = json!({})), [""; 0]);
    assert_eq!(broken(|config| config["metadata"]["name"] = "n".repeat(40).into()), [""; 0]);
}

#[test]
fn each_rule_rejects_what_it_is_for() {
    let job = |job: Value| move |config: &mut Value| config["spec"]["jobs"]["preSubmit"][0] = job;
    let env = |var: Value| move |config: &mut Value| config["spec"]["jobs"]["preSubmit"][0]["env"][0] = var;
    let app = json!({"appId": 1, "installationId": 2, "privateKeySecretRef": {"name": "app", "key": "pem"}});

    assert_eq!(
        broken(|config| config["metadata"]["name"] = "n".repeat(41).into()),
        ["a config's name has at most 40 characters"]
    );
    for reserved in ["merge", "tree"] {
        assert_eq!(
            broken(|config| config["metadata"]["name"] = reserved.into()),
            ["merge and tree are reserved: the contexts tidegate/merge and tidegate/tree are Tidegate's own"]
        );
    }
    assert_eq!(
        broken(|config| config["spec"]["git"]["tokenSecretRef"] = Value::Null),
        ["git needs exactly one of tokenSecretRef and githubApp"]
    );
    assert_eq!(
        broken(|config| config["spec"]["git"]["githubApp"] = app.clone()),
        ["git needs exactly one of tokenSecretRef and githubApp"]
    );
    assert_eq!(
        broken(|config| config["spec"]["git"] =
            json!({"type": "gitea", "repository": "acme/web", "githubApp": app})),
        ["githubApp needs type github"]
    );
    assert_eq!(
        broken(|config| config["spec"]["jobs"]["postSubmit"][0]["name"] = "test".into()),
        ["a job's name is unique in its config: preSubmit and postSubmit share one"]
    );
    let jobs = |list: &str, count: usize| -> Value {
        (0..count)
            .map(|n| json!({"name": format!("{list}-{n}"), "image": "busybox", "script": "true"}))
            .collect()
    };
    let with =
        |pre: usize, post: usize| json!({"preSubmit": jobs("pre", pre), "postSubmit": jobs("post", post)});
    assert_eq!(broken(|config| config["spec"]["jobs"] = with(25, 25)), [""; 0]);
    assert_eq!(
        broken(|config| config["spec"]["jobs"] = with(25, 26)),
        ["a config has at most 50 jobs in all"]
    );
    for neither_or_both in [
        json!({"name": "test", "image": "busybox"}),
        json!({"name": "test", "image": "busybox", "script": "true", "command": ["true"]}),
    ] {
        assert_eq!(broken(job(neither_or_both)), ["a job needs exactly one of script and command"]);
    }
    assert_eq!(
        broken(job(json!({"name": "test", "image": "busybox", "script": "true", "after": ["test"]}))),
        ["a job can't run after itself"]
    );
    for neither_or_both in
        [json!({"name": "A"}), json!({"name": "A", "value": "1", "secretKeyRef": {"name": "s", "key": "k"}})]
    {
        assert_eq!(broken(env(neither_or_both)), ["a variable needs exactly one of value and secretKeyRef"]);
    }
    assert_eq!(
        broken(env(json!({"name": "TIDEGATE_X", "value": "1"}))),
        ["names that start with TIDEGATE_ are reserved"]
    );
}

#[test]
fn type_and_repository_stay_and_the_rest_may_change() {
    let old = config(|_| ());
    let update = |edit: fn(&mut Value)| messages(config(edit).validate_cel_update(&old));
    assert_eq!(old.name_any(), "web");
    assert_eq!(update(|config| config["spec"]["git"]["tokenSecretRef"]["name"] = "other".into()), [""; 0]);
    assert_eq!(
        update(|config| config["spec"]["git"]["repository"] = "acme/other".into()),
        ["the repository of a config can't change: its hook and jobs belong to it; make another config"]
    );
    assert_eq!(
        update(|config| config["spec"]["git"]["type"] = "gitea".into()),
        ["the type of a config can't change: its hook and jobs belong to it; make another config"]
    );
}
