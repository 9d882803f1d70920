use serde_json::{Value, json};
use tidegate_model::{PullRequestNumber, SecretKeyRef};

use super::*;
use crate::job::{
    dereference::CloneCredential,
    fixture::{self, BASE, HEAD},
};

const SETTINGS: RunSettings<'static> = RunSettings {
    checkout_image: "git",
    service_account: "runner",
    untrusted_service_account: "fork-runner",
};

fn source(secret: Option<&str>) -> Source {
    Source {
        clone_url: "https://git.example.com/acme/shop.git".to_owned(),
        forks: [].into(),
        pull_request_refs: [(PullRequestNumber(7), "refs/pull/7/head".to_owned())].into(),
        clone_credential: secret.map(|name| CloneCredential {
            secret: SecretKeyRef { name: name.to_owned(), key: "token".to_owned() },
            git_user: "bot",
        }),
    }
}

fn build_of(job: &IntegrationJob) -> Result<PipelineRun, BuildError> {
    build(job, &BASE.parse().expect("commit SHA"), &source(None), SETTINGS)
}

fn value_of(run: &PipelineRun) -> Value {
    serde_json::to_value(run).expect("serialises")
}

fn env_of<'a>(step: &'a Value, name: &str) -> Vec<&'a Value> {
    step["env"].as_array().expect("env").iter().filter(|variable| variable["name"] == name).collect()
}

#[test]
fn a_run_of_a_fork_is_labelled_untrusted_and_shares_no_service_account_with_others() {
    let mut job = fixture::running(&json!([{"name": "unit"}]));
    job.spec.pulls[0].fork = true;
    let run = value_of(&build_of(&job).expect("builds"));
    assert_eq!(run["metadata"]["labels"]["tidegate.dev/trust"], "untrusted");
    assert_eq!(run["spec"]["taskRunTemplate"]["serviceAccountName"], "fork-runner");
}

#[test]
fn a_job_becomes_a_task_that_checks_out_and_runs() {
    let run = value_of(&build_of(&fixture::running(&json!([{"name": "unit"}]))).expect("builds"));
    assert_eq!(run["metadata"]["name"], "shop-0123456789abcdef-1");
    assert_eq!(run["metadata"]["ownerReferences"][0]["uid"], "job-uid");
    assert_eq!(
        run["metadata"]["labels"],
        json!({
            "tidegate.dev/config": "shop",
            "tidegate.dev/integration-job": "shop-0123456789abcdef-1",
            "tidegate.dev/pull-request": "7",
            "tidegate.dev/ref": "digest-of-ref",
            "tidegate.dev/repository": "digest-of-repository",
            "tidegate.dev/trust": "trusted",
        })
    );
    assert_eq!(
        run["metadata"]["annotations"],
        json!({
            "tidegate.dev/delivery": "d-1",
            "tidegate.dev/ref": "refs/heads/main",
            "tidegate.dev/repository": "acme/shop",
            "tidegate.dev/traceparent": "00-00000000000000000000000000000001-0000000000000002-01",
        })
    );
    assert_eq!(
        run["spec"]["timeouts"]["pipeline"], "7500s",
        "an hour to start, one to run, and some minutes"
    );
    assert_eq!(run["spec"]["taskRunTemplate"]["serviceAccountName"], "runner");
    let pod = json!({"automountServiceAccountToken": false, "securityContext": {"fsGroup": 65532}});
    assert_eq!(run["spec"]["taskRunTemplate"]["podTemplate"], pod, "all users of the pod write the code");

    let task = &run["spec"]["pipelineSpec"]["tasks"][0];
    assert_eq!((&task["name"], &task["timeout"]), (&json!("unit"), &json!("7500s")));
    let [checkout, run] = task["taskSpec"]["steps"].as_array().expect("steps").as_slice() else {
        panic!("two steps: {task:#}")
    };
    assert_eq!((&checkout["name"], &checkout["image"]), (&json!("checkout"), &json!("git")));
    assert_eq!(env_of(checkout, "TIDEGATE_HEADS")[0]["value"], format!("7 {HEAD} refs/pull/7/head"));
    assert_eq!(env_of(checkout, "TIDEGATE_BASE_SHA")[0]["value"], BASE);
    assert_eq!(env_of(checkout, "TIDEGATE_HISTORY_MIB")[0]["value"], "128");
    assert_eq!(env_of(checkout, "TIDEGATE_RESULT_OUTCOME")[0]["value"], "$(step.results.outcome.path)");
    let result = |name: &str| json!({"name": name, "type": "string"});
    assert_eq!(checkout["results"], json!(["outcome", "detail", "commit", "tree"].map(result)));
    assert_eq!(task["taskSpec"]["results"], Value::Null, "every step could write those");
    assert_eq!(env_of(checkout, "TIDEGATE_CREDENTIAL_FILE"), Vec::<&Value>::new());
    assert_eq!(checkout["securityContext"]["runAsNonRoot"], true);
    assert_eq!((&run["name"], &run["script"]), (&json!("run"), &json!("cargo test")));
    assert_eq!(run["workingDir"], "/workspace/source");
    assert_eq!((&checkout["timeout"], &run["timeout"]), (&Value::Null, &json!("1h")));
    assert_eq!(run["results"], Value::Null);
    let mount = json!({"name": "source", "mountPath": "/workspace/source"});
    assert_eq!((&checkout["volumeMounts"], &run["volumeMounts"]), (&json!([mount]), &json!([mount])));
    assert_eq!(task["taskSpec"]["volumes"], json!([{"name": "source", "emptyDir": {}}]));
    assert_eq!(env_of(run, "TIDEGATE_PULL_REQUEST")[0]["value"], "7");
    assert_eq!(env_of(run, "TIDEGATE_HEAD_SHA")[0]["value"], HEAD);
    assert_eq!(env_of(run, "GIT_CONFIG_SYSTEM")[0]["value"], "/workspace/source/.git/tidegate.gitconfig");
    assert_eq!(run["securityContext"], Value::Null);
}

#[test]
fn text_from_outside_holds_nothing_that_tekton_or_kubernetes_expands() {
    let mut job = fixture::running(&json!([{"name": "unit"}]));
    job.spec.base.reference = "refs/heads/rel/$(context.taskRun.name)/$(CI)".parse().expect("a ref");
    let mut source = source(None);
    source.clone_url = "https://git.example.com/$(CI)/shop.git".to_owned();
    let run = value_of(&build(&job, &BASE.parse().expect("commit SHA"), &source, SETTINGS).expect("builds"));
    for step in run["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"].as_array().expect("steps") {
        let dollar = json!({"name": "TIDEGATE_DOLLAR", "value": "$"});
        assert_eq!(step["env"][0], dollar, "it stands before all that name it");
        let base_ref = "refs/heads/rel/$(TIDEGATE_DOLLAR)(context.taskRun.name)/$(TIDEGATE_DOLLAR)(CI)";
        assert_eq!(env_of(step, "TIDEGATE_BASE_REF")[0]["value"], base_ref);
    }
    let checkout = &run["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][0];
    let clone_url = "https://git.example.com/$(TIDEGATE_DOLLAR)(CI)/shop.git";
    assert_eq!(env_of(checkout, "TIDEGATE_CLONE_URL")[0]["value"], clone_url);
}

#[test]
fn a_run_says_which_base_it_builds() {
    let run = build_of(&fixture::running(&json!([{"name": "unit"}]))).expect("builds");
    assert_eq!(checkout::base_of(&run).map(|sha| sha.to_string()).as_deref(), Some(BASE));
    let alone = build_of(&fixture::running(&json!([{"name": "notify", "skipCheckout": true}])));
    assert_eq!(checkout::base_of(&alone.expect("builds")), None);
}

#[test]
fn the_clone_credential_is_seen_by_the_checkout_alone() {
    let job = fixture::running(&json!([{"name": "unit"}]));
    let run = build(&job, &BASE.parse().expect("commit SHA"), &source(Some("read-only")), SETTINGS);
    let task = &value_of(&run.expect("builds"))["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"];
    assert_eq!(task["volumes"][1]["secret"]["secretName"], "read-only");
    assert_eq!(task["steps"][0]["volumeMounts"][1]["name"], task["volumes"][1]["name"]);
    assert_eq!(env_of(&task["steps"][0], "TIDEGATE_CREDENTIAL_FILE").len(), 1);
    assert_eq!(env_of(&task["steps"][0], "TIDEGATE_GIT_USER")[0]["value"], "bot");
    assert_eq!(task["steps"][1]["volumeMounts"].as_array().map(Vec::len), Some(1));
    assert!(!task["steps"][1].to_string().contains("credential"), "{:#}", task["steps"][1]);
}

#[test]
fn without_a_checkout_there_is_neither_step_nor_credential() {
    let job = fixture::running(&json!([{"name": "notify", "skipCheckout": true}]));
    let run = build(&job, &BASE.parse().expect("commit SHA"), &source(Some("read-only")), SETTINGS);
    let task = &value_of(&run.expect("builds"))["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"];
    assert_eq!(task["steps"].as_array().map(Vec::len), Some(1));
    assert_eq!(env_of(&task["steps"][0], "GIT_CONFIG_SYSTEM"), Vec::<&Value>::new());
    assert_eq!(task["volumes"].as_array().map(Vec::len), Some(1), "nothing but the working directory");
}

#[test]
fn only_an_optional_job_that_nothing_waits_for_is_let_pass() {
    let job = fixture::running(&json!([
        {"name": "lint", "optional": true},
        {"name": "build", "optional": true},
        {"name": "deploy", "after": ["build"], "timeout": "2h"},
    ]));
    let run = value_of(&build_of(&job).expect("builds"));
    let tasks = &run["spec"]["pipelineSpec"]["tasks"];
    assert_eq!(tasks[0]["onError"], "continue");
    assert_eq!(tasks[1]["onError"], Value::Null);
    assert_eq!(tasks[2]["runAfter"], json!(["build"]));
    let step = &tasks[2]["taskSpec"]["steps"][1];
    assert_eq!(step["timeout"], "1h", "no job may take longer than its run");
}

#[test]
fn what_the_user_sets_wins_and_secrets_are_references() {
    let job = fixture::running(&json!([{"name": "unit", "env": [
        {"name": "CI", "value": "yes"},
        {"name": "TOKEN", "secretKeyRef": {"name": "deploy", "key": "token"}},
    ]}]));
    let run = value_of(&build_of(&job).expect("builds"));
    let step = &run["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][1];
    assert_eq!(env_of(step, "CI"), [&json!({"name": "CI", "value": "yes"})]);
    let reference = json!({"secretKeyRef": {"name": "deploy", "key": "token"}});
    assert_eq!(env_of(step, "TOKEN"), [&json!({"name": "TOKEN", "valueFrom": reference})]);
}

#[test]
fn a_fork_gets_no_secret() {
    let mut job = fixture::running(&json!([
        {"name": "unit"},
        {"name": "deploy", "env": [{"name": "TOKEN", "secretKeyRef": {"name": "deploy-key", "key": "token"}}]},
    ]));
    assert!(build_of(&job).is_ok());
    job.spec.pulls[0].fork = true;
    let refusal = build_of(&job).expect_err("a fork");
    assert_eq!(refusal.reason(), "NeedsSecret");
    assert_eq!(refusal.job().as_str(), "deploy");
    assert!(refusal.to_string().contains("needs secret deploy-key"), "{refusal}");
    // The ledger may deny what the run asks for.
    job.spec.pulls[0].fork = false;
    job.status.as_mut().expect("a status").without_secrets = true;
    assert_eq!(build_of(&job).expect_err("denied").reason(), "NeedsSecret");
}

#[test]
fn shell_substitutions_pass_and_tektons_own_are_refused() {
    let script = "echo \"$(date)\" '$(cat x)' ${HOME} $$";
    let run =
        value_of(&build_of(&fixture::running(&json!([{"name": "unit", "script": script}]))).expect("builds"));
    assert_eq!(run["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][1]["script"], script);
    for (job, field) in [
        (json!({"script": "echo $(params.x)"}), "script"),
        (json!({"args": ["a", "$(context.taskRun.name)"]}), "args[1]"),
        (json!({"env": [{"name": "A", "value": "$(tasks.x.status)"}]}), "env[0].value"),
    ] {
        let mut entry = json!({"name": "unit"});
        entry.as_object_mut().expect("object").extend(job.as_object().expect("object").clone());
        let refusal = build_of(&fixture::running(&json!([entry]))).expect_err("Tekton would replace it");
        assert!(
            matches!(&refusal, BuildError::TektonVariable(variable) if variable.field == field),
            "{refusal}"
        );
    }
}
