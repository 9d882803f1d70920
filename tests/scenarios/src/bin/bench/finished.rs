//! The controller's memory when it starts in a cluster with thousands of finished runs.

use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::{Api, api::DeleteParams};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_resources::{IntegrationJob, IntegrationLedger};
use tidegate_sandbox_cluster::Cluster;
use tidegate_scenarios::{
    Scene, WorldSpec,
    process::{anonymous_mib, peak_mib, resident_mib},
};

use crate::{controller, work};

/// As many configs share the runs.
const CONFIGS: usize = 20;
const JOBS: [&str; 5] = ["build", "lint", "unit", "integration", "deploy-preview"];
const TIME: &str = "2026-01-01T00:00:00Z";
/// The objects of a ledger.
const PARTS: usize = 64;

/// Stores so many finished runs of five jobs, each with its `PipelineRun`, five `TaskRun`s and its statuses in the ledger, and
/// starts the controller.
pub async fn measure(runs: usize) -> Result<()> {
    let mut scene = Scene::set(WorldSpec::new(Host::Gitea), &work()).await?;
    let empty = settled(controller(&scene)?.pid()?).await?;
    scene.world.stop_controller().await?;
    let cluster = scene.world.sandbox_cluster()?;
    cluster.pause_executor(true);
    for config in 0..CONFIGS {
        fill(cluster, &scene, config, runs / CONFIGS)?;
    }
    // The first one writes every record into the object where it belongs. What was planted has other names.
    scene.world.start_controller().await?;
    settled(controller(&scene)?.pid()?).await?;
    scene.world.stop_controller().await?;
    let ledgers: Api<IntegrationLedger> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    for (config, part) in (0..CONFIGS).flat_map(|config| (0..PARTS).map(move |part| (config, part))) {
        ledgers.delete(&ledger(&config_name(config), part), &DeleteParams::default()).await?;
    }
    scene.world.start_controller().await?;
    let pid = controller(&scene)?.pid()?;
    let full = settled(pid).await?;
    let (resident, peak) = (resident_mib(pid)?, peak_mib(pid)?);
    let peak = full + peak - resident;
    println!("controller with {runs} finished IntegrationJobs of {} jobs:", JOBS.len());
    println!(
        "  {empty:.1} MiB without them, {full:.1} MiB settled, {peak:.1} MiB at its peak; {resident:.1} MiB with its program"
    );
    let count = f64::from(u32::try_from(runs)?);
    let each = |mib: f64| (mib - empty) * 1024.0 / count;
    println!("  one costs {:.2} KiB settled, {:.2} KiB at the peak", each(full), each(peak));
    Ok(())
}

/// The memory that no file backs, when it has not changed by more than 1 % for ten seconds.
async fn settled(pid: u32) -> Result<f64> {
    let (mut last, mut same) = (0.0_f64, 0);
    while same < 10 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = anonymous_mib(pid)?;
        same = if (now - last).abs() <= last / 100.0 { same + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

fn fill(cluster: &Cluster, scene: &Scene, config: usize, runs: usize) -> Result<()> {
    let (name, uid) = (config_name(config), format!("00000000-0000-4000-8000-{config:012}"));
    let mut object = scene.config(&json!({"postSubmit": JOBS.map(job)}));
    object["metadata"] = json!({"name": name, "namespace": scene.world.namespace, "uid": uid});
    object["spec"]["git"]["repository"] = format!("acme/{name}").into();
    cluster.plant(object)?;
    let mut parts = vec![Vec::new(); PARTS];
    for number in 0..runs {
        let run = Run { config, number, namespace: &scene.world.namespace };
        run.plant(cluster, &uid)?;
        parts[number % PARTS].extend(run.records());
    }
    for (part, records) in parts.into_iter().enumerate() {
        cluster.plant(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationLedger",
            "metadata": {
                "name": ledger(&name, part), "namespace": scene.world.namespace,
                "labels": {"tidegate.dev/config": name},
            },
            "spec": {"config": {"name": name, "uid": uid}, "part": part, "records": Value::from(records).to_string()},
        }))?;
    }
    Ok(())
}

fn config_name(config: usize) -> String {
    format!("shop-{config}")
}

/// The name of a planted part of a ledger.
fn ledger(config: &str, part: usize) -> String {
    format!("{config}-ledger-{part}")
}

fn job(name: &str) -> Value {
    let script =
        format!("#!/bin/sh\nset -eu\n{}", format!("echo 'a line of the script of {name}'\n").repeat(20));
    json!({
        "name": name, "image": "docker.io/library/rust:1", "script": script,
        "env": [{"name": "CARGO_TERM_COLOR", "value": "always"}], "timeout": "30m",
    })
}

/// One finished run.
struct Run<'a> {
    config: usize,
    number: usize,
    namespace: &'a str,
}

impl Run<'_> {
    fn name(&self) -> String {
        format!("shop-{}-{:016x}-1", self.config, self.number + 1)
    }

    fn sha(&self) -> String {
        format!("{:08x}{:032x}", self.config + 1, self.number + 1)
    }

    fn created_at_ms(&self) -> usize {
        1_767_225_600_000 + self.number
    }

    fn metadata(&self, name: &str, owner: (&str, &str)) -> Value {
        let managed = json!({"f:metadata": {"f:annotations": {}, "f:labels": {}}, "f:spec": JOBS.map(|job| json!({job: {}}))});
        json!({
            "name": name, "namespace": self.namespace,
            "labels": {"tidegate.dev/integration-job": self.name(), "tidegate.dev/repository": "0123456789abcdef", "tidegate.dev/ref": "0123456789abcdef"},
            "annotations": {
                "tidegate.dev/repository": format!("acme/shop-{}", self.config), "tidegate.dev/ref": "refs/heads/main",
                "tidegate.dev/created-at-ms": self.created_at_ms().to_string(),
                "tidegate.dev/delivery": "01234567-89ab-cdef-0123-456789abcdef",
                "tidegate.dev/traceparent": "00-00000000000000000000000000000001-0000000000000002-01",
            },
            "ownerReferences": [{
                "apiVersion": "tidegate.dev/v1alpha1", "kind": owner.0, "name": owner.1, "uid": self.uid(), "controller": true,
            }],
            "managedFields": [
                {"manager": "tidegate-controller", "operation": "Update", "fieldsV1": managed},
                {"manager": "tidegate-controller", "operation": "Update", "subresource": "status", "fieldsV1": managed},
            ],
        })
    }

    fn uid(&self) -> String {
        format!("00000000-0000-4000-9000-{:04}{:08}", self.config, self.number)
    }

    fn plant(&self, cluster: &Cluster, config_uid: &str) -> Result<()> {
        let (config, name) = (format!("shop-{}", self.config), self.name());
        let condition = json!({
            "type": "Succeeded", "status": "True", "reason": "Succeeded", "message": "every job succeeded",
            "lastTransitionTime": "2026-01-01T00:00:07Z",
        });
        let ended = json!({"startedAt": "2026-01-01T00:00:02Z", "completedAt": "2026-01-01T00:00:07Z"});
        let status_of = |job| {
            let mut status = json!({"name": job, "phase": "Succeeded"});
            status.as_object_mut().expect("an object").extend(ended.as_object().cloned().unwrap_or_default());
            status
        };
        let mut run = json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationJob",
            "metadata": self.metadata(&name, ("IntegrationConfig", &config)),
            "spec": {
                "config": {"name": config, "uid": config_uid}, "host": "gitea",
                "repository": format!("acme/{config}"), "trigger": {"type": "Push"},
                "base": {"ref": "refs/heads/main", "sha": self.sha()},
                "jobs": JOBS.map(job), "timeout": "1h",
            },
            "status": {
                "phase": "Succeeded", "conditions": [condition], "baseSha": self.sha(), "mergedSha": self.sha(),
                "tree": self.sha(), "pipelineRun": name, "startedAt": TIME, "completedAt": TIME, "timeout": "1h",
                "jobs": JOBS.map(status_of),
            },
        });
        run["metadata"]["uid"] = self.uid().into();
        // Planting skips the CRD's rules, and the controller holds a run otherwise that it can't read.
        IntegrationJob::deserialize(&run).context("the planted IntegrationJob is not one")?;
        cluster.plant(run)?;
        let children = JOBS.map(|job| {
            json!({"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "name": format!("{name}-{job}"), "pipelineTaskName": job})
        });
        cluster.plant(json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": self.metadata(&name, ("IntegrationJob", &name)),
            "spec": {"pipelineSpec": {"tasks": JOBS.map(|job| json!({"name": job, "taskSpec": task(job)}))}},
            "status": {"conditions": [condition], "startTime": TIME, "completionTime": TIME, "childReferences": children},
        }))?;
        for job in JOBS {
            let mut metadata = self.metadata(&format!("{name}-{job}"), ("PipelineRun", &name));
            metadata["labels"]["tekton.dev/pipelineTask"] = job.into();
            let ended = json!({"exitCode": 0, "reason": "Completed"});
            let steps = ["checkout", "run"].map(|step| {
                let result = json!({"name": "commit", "type": "string", "value": self.sha()});
                json!({"name": step, "container": format!("step-{step}"), "terminated": ended, "results": [result]})
            });
            cluster.plant(json!({
                "apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": metadata,
                "spec": {"taskSpec": task(job)},
                "status": {
                    "conditions": [condition], "podName": format!("{name}-{job}-pod"), "startTime": TIME, "completionTime": TIME,
                    "steps": steps,
                },
            }))?;
        }
        Ok(())
    }

    /// What the ledger remembers of it: every status is known to the host.
    fn records(&self) -> [Value; 2] {
        let verdict = json!({"state": "success", "text": "succeeded in 5s", "run": self.name()});
        let run = json!({"createdAtMs": self.created_at_ms(), "attempt": 1, "name": self.name()});
        let jobs: serde_json::Map<_, _> = JOBS
            .map(|job| (job.to_owned(), json!({"is": "run", "run": run, "verdict": verdict})))
            .into_iter()
            .collect();
        let statuses = JOBS.map(|job| {
            json!([{"job": job}, {
                "state": "success", "text": "succeeded in 5s", "run": self.name(), "kind": "postSubmit",
                "rule": "succeeded", "isSettled": true,
            }])
        });
        let changed = self.created_at_ms();
        [
            json!({"kind": "commit", "commit": self.sha(), "record": {"statuses": statuses, "changedAtMs": changed}}),
            json!({
                "kind": "target", "key": {"commit": self.sha(), "kind": "postSubmit", "ref": "refs/heads/main"},
                "record": {"jobs": jobs, "runs": [self.name()], "changedAtMs": changed},
            }),
        ]
    }
}

/// The task of a job, with its checkout.
fn task(name: &str) -> Value {
    let checkout = "git fetch --depth 1 origin \"$SHA\"\n".repeat(40);
    let job = job(name);
    json!({
        "params": [], "volumes": [{"name": "credential", "secret": {"secretName": "git"}}],
        "steps": [
            {"name": "checkout", "image": "checkout", "script": checkout},
            {"name": "run", "image": job["image"], "script": job["script"], "env": job["env"]},
        ],
    })
}
