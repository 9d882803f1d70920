//! The chart of `infra/kubernetes`, rendered for one scene.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

/// The path of `cargo xtask chart`'s helm, which `cargo xtask cluster` sets.
const HELM: &str = "TIDEGATE_HELM";

/// The manifests of a controller in a namespace of its own that serves the namespaces of these settings. It has no
/// replica yet, and the CRDs, which all scenes share, are there already.
pub(super) async fn render(namespace: &str, settings: &BTreeMap<String, String>) -> Result<String> {
    let helm = std::env::var(HELM).with_context(|| {
        format!("{HELM} doesn't say where helm is: use cargo xtask cluster, or see tests/cluster/README.md")
    })?;
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/kubernetes/tidegate");
    let mut child = Command::new(&helm)
        .args(["template", "tidegate"])
        .arg(chart)
        .args(["--namespace", namespace, "--values", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start {helm}"))?;
    let values = values(settings)?.to_string();
    child.stdin.take().context("helm has no stdin")?.write_all(values.as_bytes()).await?;
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "helm failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The chart's values: what it has a value for, by that; all else as an environment variable.
fn values(settings: &BTreeMap<String, String>) -> Result<Value> {
    let mut settings = settings.clone();
    let mut take = |name: &str| settings.remove(name).with_context(|| format!("{name} is not set"));
    let mut told = Map::new();
    for (value, variable) in [
        ("commandQueueUrl", "TIDEGATE_COMMAND_QUEUE_URL"),
        ("commandDeadLetterQueueUrl", "TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL"),
        ("masterKeySecret", "TIDEGATE_MASTER_KEY_SECRET"),
        ("publicUrl", "TIDEGATE_PUBLIC_URL"),
        ("checkoutImage", "TIDEGATE_CHECKOUT_IMAGE"),
    ] {
        told.insert(value.to_owned(), take(variable)?.into());
    }
    if let Ok(plugins) = take("TIDEGATE_PLUGIN_QUEUES") {
        told.insert("pluginQueues".to_owned(), serde_json::from_str(&plugins)?);
    }
    let namespaces = take("TIDEGATE_NAMESPACES")?;
    let namespaces: Vec<_> = namespaces.split(',').collect();
    let aws = json!({
        "region": take("AWS_REGION")?,
        "accessKeyId": take("AWS_ACCESS_KEY_ID")?,
        "secretAccessKey": take("AWS_SECRET_ACCESS_KEY")?,
    });
    let extra: Vec<_> = settings.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    Ok(json!({
        "image": {"repository": "localhost/tidegate/controller", "tag": "dev"},
        "replicas": 0,
        "serve": {"namespaces": namespaces},
        "settings": told,
        "aws": aws,
        "extraEnv": extra,
        "crds": {"install": false},
        "namespace": {"create": true},
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use k8s_openapi::api::{apps::v1::Deployment, core::v1::Namespace, rbac::v1::RoleBinding};
    use serde::de::DeserializeOwned;

    use super::*;

    /// All manifests of a kind.
    fn of_kind<K: DeserializeOwned + k8s_openapi::Resource>(manifests: &str) -> Vec<K> {
        let manifests = serde_saphyr::from_multiple::<Value>(manifests).expect("helm renders YAML");
        let found = manifests.into_iter().filter(|manifest| manifest["kind"] == K::KIND);
        found.map(|manifest| serde_json::from_value(manifest).expect("a manifest of its kind")).collect()
    }

    #[tokio::test]
    async fn a_scene_s_settings_arrive_in_its_deployment() {
        if std::env::var_os(HELM).is_none() {
            // Not by eprintln, which the test harness keeps to itself.
            writeln!(std::io::stderr(), "skipped: {HELM} is not set; cargo ci sets it")
                .expect("stderr is open");
            return;
        }
        let settings: BTreeMap<_, _> = [
            ("TIDEGATE_COMMAND_QUEUE_URL", "http://10.77.0.1:4566/000000000000/commands"),
            ("TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL", "http://10.77.0.1:4566/000000000000/dead"),
            ("TIDEGATE_MASTER_KEY_SECRET", "tidegate/webhook-keys"),
            ("TIDEGATE_PUBLIC_URL", "http://10.77.0.1:8000"),
            ("TIDEGATE_CHECKOUT_IMAGE", "localhost/tidegate/checkout:dev"),
            ("TIDEGATE_NAMESPACES", "ci-scene,ci-other"),
            (
                "TIDEGATE_PLUGIN_QUEUES",
                r#"[{"deadLetterQueueUrl":"http://sqs/audit-dead","intentions":["cancel"],"plugin":"audit","queueUrl":"http://sqs/audit"}]"#,
            ),
            ("TIDEGATE_MAX_RUNS", "20"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "sandbox"),
            ("AWS_SECRET_ACCESS_KEY", "sandbox"),
            ("AWS_ENDPOINT_URL", "http://10.77.0.1:4566"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let manifests = render("tidegate-scene", &settings).await.expect("the chart renders");

        let [deployment]: [Deployment; 1] = of_kind(&manifests).try_into().expect("one Deployment");
        assert_eq!(deployment.metadata.name.as_deref(), Some(super::super::pod::NAME));
        assert_eq!(deployment.metadata.namespace.as_deref(), Some("tidegate-scene"));
        let spec = deployment.spec;
        assert_eq!(spec.replicas, Some(0));
        let container = &spec.template.spec.expect("a pod").containers[0];
        let environment: BTreeMap<_, _> =
            container.env.iter().flatten().map(|env| (env.name.clone(), env.value.clone())).collect();
        let secret = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let expected: BTreeMap<_, _> = settings
            .into_iter()
            .filter(|(name, _)| !secret.contains(&name.as_str()))
            .map(|(name, value)| (name, Some(value)))
            // The chart's own: the Lease bears the controller's name, and a replica its pod's.
            .chain([
                ("TIDEGATE_LEASE_NAME".to_owned(), Some("tidegate-controller".to_owned())),
                ("TIDEGATE_POD_NAME".to_owned(), None),
            ])
            .collect();
        assert_eq!(environment, expected);
        assert_eq!(container.env.as_ref().map(Vec::len), Some(expected.len()), "a variable is set twice");
        assert!(container.env_from.is_some(), "the keys of AWS are missing");

        let [namespace]: [Namespace; 1] = of_kind(&manifests).try_into().expect("one Namespace");
        assert_eq!(namespace.metadata.name.as_deref(), Some("tidegate-scene"));
        let mut bound: Vec<_> = of_kind::<RoleBinding>(&manifests)
            .into_iter()
            .filter_map(|binding| binding.metadata.namespace)
            .collect();
        bound.sort();
        assert_eq!(
            bound,
            ["ci-other", "ci-scene", "tidegate-scene"],
            "rights in the served namespaces, and its own lease"
        );
        assert!(!manifests.contains("kind: ClusterRole"), "rights outside of these");
    }
}
