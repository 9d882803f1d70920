//! What only the real cluster can show: pods that see no more than they should, rights, and what `kubectl` says.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use kube::{Api, Client, Config, api::PostParams};
use serde_json::json;
use tidegate_scenarios::{MASTER_KEY, OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;
use tokio::process::Command;

use crate::{gitea, job, unit};

/// Prints where a text is found: in any file of the pod that the step sees, or in the environment of a process. The text
/// comes in two halves, and reaches grep by a pipe, so that neither this script nor a command line holds it. busybox's grep
/// reads a line up to its first zero byte.
const SEARCH: &str = r#"
search() {
    { find / \( -path /proc -o -path /sys -o -path /dev \) -prune -o -type f -print 2>/dev/null
      echo /proc/[0-9]*/environ | tr ' ' '\n'
    } | while read -r file; do
        tr '\0' '\n' 2>/dev/null <"$file" | grep -qFf /dev/fd/3 3<<TEXT && echo "$file"
$1$2
TEXT
    done
    true
}
"#;

scenario!(
    a_job_of_a_private_repository_runs_and_its_pod_holds_no_token_of_the_controller,
    only_on_cluster = "its steps share this machine's files and environment"
);
async fn a_job_of_a_private_repository_runs_and_its_pod_holds_no_token_of_the_controller() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    scene.world.forge.make_private(REPOSITORY).await?;
    let clone = scene.world.forge.clone_token(OWNER).await?;
    scene.create_secret("clone", "token", &clone).await?;
    scene.create_secret("canary", "key", "canary-in-the-environment").await?;

    let aws = scene.world.cloud.aws_env();
    let ours = [
        ("the host's token", scene.world.forge.create_user(OWNER).await?),
        ("the clone token", clone),
        ("the AWS key", aws.get("AWS_SECRET_ACCESS_KEY").context("no AWS key")?.clone()),
        ("the master key", hex::encode(MASTER_KEY)),
    ];
    let halves = |text: &str| {
        let (first, second) = text.split_at(text.len() / 2);
        format!("'{first}' '{second}'")
    };
    // That the search finds anything at all: what belongs to the job is there.
    let canaries = ["canary-in-the-environment", "canary-in-a-file"]
        .map(|canary| format!("test -n \"$(search {})\" || exit 3\n", halves(canary)));
    let tokens = ours.iter().map(|(what, token)| {
        assert!(token.len() > 8, "{what} is too short to be looked for");
        format!("found=$(search {}); test -z \"$found\" || {{ echo \"$found\"; exit 4; }}\n", halves(token))
    });
    let script = [SEARCH.to_owned()].into_iter().chain(canaries).chain(tokens).collect::<String>()
        + "test ! -e /var/run/secrets/kubernetes.io || exit 5\n";
    let mut look = job("look", &script);
    look["env"] = json!([{"name": "CANARY", "secretKeyRef": {"name": "canary", "key": "key"}}]);
    let mut config = scene.config(&json!({"preSubmit": [look]}));
    config["spec"]["git"]["cloneSecretRef"] = json!({"name": "clone", "key": "token"});
    scene.apply(config).await?;
    scene.wait_until_registered().await?;

    let head = scene.push("fix", "dora", &[("bird", "canary-in-a-file\n")]).await?;
    scene.open("dora", "fix").await?;
    // A failure's description names the exit code: 3 is a blind search, 4 a token that was found, 5 Kubernetes' own.
    scene.status(&head, "look", "success").await?;
    scene.end().await
}

scenario!(the_controller_may_do_what_it_needs_and_nothing_else, only_on_cluster = "it knows no rights");
async fn the_controller_may_do_what_it_needs_and_nothing_else() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let own = scene.world.controller_namespace()?.to_owned();
    let served = rights(&own, &scene.world.namespace).await?;
    let expected = [
        "create events.k8s.io/events",
        "patch events.k8s.io/events",
        "get /pods",
        "get /secrets",
        "create tekton.dev/pipelineruns",
        "get tekton.dev/pipelineruns",
        "list tekton.dev/pipelineruns",
        "patch tekton.dev/pipelineruns",
        "watch tekton.dev/pipelineruns",
        "get tekton.dev/taskruns",
        "list tekton.dev/taskruns",
        "watch tekton.dev/taskruns",
        "get tidegate.dev/integrationconfigs",
        "list tidegate.dev/integrationconfigs",
        "patch tidegate.dev/integrationconfigs",
        "watch tidegate.dev/integrationconfigs",
        "update tidegate.dev/integrationconfigs/finalizers",
        "patch tidegate.dev/integrationconfigs/status",
        "create tidegate.dev/integrationjobs",
        "get tidegate.dev/integrationjobs",
        "list tidegate.dev/integrationjobs",
        "patch tidegate.dev/integrationjobs",
        "watch tidegate.dev/integrationjobs",
        "create tidegate.dev/integrationledgers",
        "list tidegate.dev/integrationledgers",
        "patch tidegate.dev/integrationledgers",
        "update tidegate.dev/integrationjobs/finalizers",
        "patch tidegate.dev/integrationjobs/status",
    ];
    assert_eq!(served, expected.map(str::to_owned).into());
    let lease = ["create", "get", "patch"].map(|verb| format!("{verb} coordination.k8s.io/leases"));
    assert_eq!(rights(&own, &own).await?, lease.into(), "in its own namespace");
    for other in ["default", "kube-system", "tekton-pipelines"] {
        // Tekton lets everybody read one ConfigMap of its own.
        let everybody = rights("nobody", other).await?;
        assert_eq!(rights(&own, other).await?, everybody, "in {other}");
        assert!(!everybody.contains("get /secrets"), "{everybody:?}");
    }
    scene.end().await
}

/// What the controller's `ServiceAccount` may do in a namespace, as "verb group/resource", but for asking about itself.
async fn rights(own: &str, namespace: &str) -> Result<BTreeSet<String>> {
    let mut config = Config::infer().await?;
    config.auth_info.impersonate = Some(format!("system:serviceaccount:{own}:tidegate-controller"));
    config.auth_info.impersonate_groups = Some(vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{own}"),
        "system:authenticated".to_owned(),
    ]);
    let reviews: Api<SelfSubjectRulesReview> = Api::all(Client::try_from(config)?);
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) },
        ..SelfSubjectRulesReview::default()
    };
    let status = reviews.create(&PostParams::default(), &review).await?.status.context("no answer")?;
    ensure!(!status.incomplete, "the rights are not all told: {:?}", status.evaluation_error);
    let mut rights = BTreeSet::new();
    for rule in status.resource_rules {
        for group in rule.api_groups.unwrap_or_default() {
            // Everybody may ask who they are, and what they may do.
            if matches!(group.as_str(), "authorization.k8s.io" | "authentication.k8s.io") {
                continue;
            }
            for resource in rule.resources.iter().flatten() {
                rights.extend(rule.verbs.iter().map(|verb| format!("{verb} {group}/{resource}")));
            }
        }
    }
    Ok(rights)
}

scenario!(
    kubectl_explains_the_fields_and_shows_what_matters,
    only_on_cluster = "kubectl needs more of an API server"
);
async fn kubectl_explains_the_fields_and_shows_what_matters() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;

    let jobs = kubectl(&["explain", "ic.spec.jobs"]).await?;
    for text in ["preSubmit", "Jobs that run for a pull request, on the merged code.", "postSubmit"] {
        assert!(jobs.contains(text), "no {text:?} in\n{jobs}");
    }
    let cancel = kubectl(&["explain", "ij.spec.cancel"]).await?;
    assert!(cancel.contains("Set once to stop the work."), "{cancel}");

    let namespace = format!("--namespace={}", scene.world.namespace);
    let configs = kubectl(&["get", "ic", &namespace]).await?;
    let repository = scene.world.forge.repository(REPOSITORY);
    assert_row(
        &configs,
        &[("NAME", "shop"), ("HOST", "gitea"), ("REPOSITORY", &repository), ("READY", "True")],
    )?;
    let runs = kubectl(&["get", "ij", &namespace]).await?;
    assert_row(
        &runs,
        &[
            ("CONFIG", "shop"),
            ("TRIGGER", "PullRequest"),
            ("PR", "1"),
            ("REF", "refs/heads/main"),
            ("PHASE", "Succeeded"),
        ],
    )?;
    scene.end().await
}

scenario!(the_command_on_the_page_reads_the_logs, only_on_cluster = "it keeps no logs");
async fn the_command_on_the_page_reads_the_logs() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"preSubmit": [job("unit", "echo said by the job")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let status = scene.status(&head, "unit", "success").await?;

    let page = scene.page(&status.target_url.context("a link")?).await?.text().await?;
    let command = page.split_once("<pre>kubectl ").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (arguments, _) = command.with_context(|| format!("no command in {page}"))?;
    let logs = kubectl(&arguments.split(' ').collect::<Vec<_>>()).await?;
    assert!(logs.contains("said by the job"), "{logs}");
    scene.end().await
}

/// The only row of a table has these values under these headings.
fn assert_row(table: &str, expected: &[(&str, &str)]) -> Result<()> {
    let mut lines = table.lines();
    let (head, row) = (lines.next().context("no heading")?, lines.next().context("no row")?);
    for (heading, value) in expected {
        let column = head.find(heading).with_context(|| format!("no {heading} in\n{table}"))?;
        let cell = row.get(column..).and_then(|rest| rest.split_whitespace().next());
        ensure!(cell == Some(value), "{heading} is {cell:?}, not {value}, in\n{table}");
    }
    Ok(())
}

async fn kubectl(arguments: &[&str]) -> Result<String> {
    // The default cache may be older than the CRDs.
    let cache = tempfile::tempdir()?;
    let mut command = Command::new("kubectl");
    command.arg("--cache-dir").arg(cache.path()).args(arguments);
    let output = command.output().await.context("failed to start kubectl")?;
    ensure!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
