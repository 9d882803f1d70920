//! The controller as a pod, installed by the chart of `infra/kubernetes`.

use std::{collections::BTreeMap, process::Stdio, sync::OnceLock};

use anyhow::{Context as _, Result, ensure};
use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use k8s_openapi::api::{apps::v1::Deployment, core::v1};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, LogParams, Patch, PatchParams},
    runtime::wait::{Condition, await_condition, conditions},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tidegate_resources::IntegrationConfig;
use tokio::{io::AsyncWriteExt, process::Command, task::JoinSet};

use super::{Log, chart};

/// The Deployment, and what its pods are labelled with.
pub(super) const NAME: &str = "tidegate-controller";

/// The controller of one scene: a Deployment in a namespace of its own that serves the scene's namespaces.
pub struct Installation {
    client: Client,
    namespace: String,
}

impl Installation {
    /// Applies what the chart renders for a namespace of the controller's own and these settings. The Deployment has no
    /// pod yet.
    pub async fn apply(client: Client, namespace: &str, settings: &BTreeMap<String, String>) -> Result<Self> {
        let manifests = chart::render(namespace, settings).await?;
        kubectl(&["apply", "--server-side", "--filename=-"], &manifests).await?;
        Ok(Self { client, namespace: namespace.to_owned() })
    }

    /// Removes the scene's namespaces, without waiting for all that is in them.
    pub async fn remove(&self, served: impl Iterator<Item = &String>) -> Result<()> {
        let namespaces: Api<v1::Namespace> = Api::all(self.client.clone());
        for namespace in served {
            // Nobody is there any more to clean up after a config, and its namespace would wait for that.
            let configs: Api<IntegrationConfig> = Api::namespaced(self.client.clone(), namespace);
            for config in configs.list(&ListParams::default()).await? {
                let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                configs.patch(&config.name_any(), &PatchParams::default(), &patch).await?;
            }
            namespaces.delete(namespace, &DeleteParams::background()).await?;
        }
        namespaces.delete(&self.namespace, &DeleteParams::background()).await?;
        Ok(())
    }

    /// Where the Deployment is.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    fn pods(&self) -> Api<v1::Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

pub(super) struct Pod {
    deployments: Api<Deployment>,
    pods: Api<v1::Pod>,
    name: String,
    uid: String,
}

impl Pod {
    pub(super) async fn start(
        installation: &Installation,
        log: &Log,
        reader: &mut JoinSet<()>,
    ) -> Result<Self> {
        let (deployments, pods) = (installation.deployments(), installation.pods());
        let present: Vec<String> =
            pods.list(&of_deployment()).await?.iter().map(ResourceExt::name_any).collect();
        scale(&deployments, 1).await?;
        let ready = i32::try_from(present.len() + 1)?;
        let available = |deployment: Option<&Deployment>| {
            let status = deployment.and_then(|deployment| deployment.status.as_ref());
            status.is_some_and(|status| status.available_replicas == Some(ready))
        };
        let waited =
            tokio::time::timeout(super::PATIENCE, await_condition(deployments.clone(), NAME, available))
                .await;
        let found = pods.list(&of_deployment()).await?;
        let new = found.items.into_iter().find(|pod| !present.contains(&pod.name_any()));
        waited.with_context(|| format!("the controller's pod is not ready: {new:?}"))??;
        let pod = new.context("the Deployment has no new pod")?;

        let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).context("no address")?;
        log.address.send_replace(Some(format!("{address}:8080")));
        let name = pod.name_any();
        let follow = LogParams { follow: true, ..LogParams::default() };
        let mut lines = pods.log_stream(&name, &follow).await.context("failed to follow the log")?.lines();
        let log = log.clone();
        reader.spawn(async move {
            while let Ok(Some(text)) = lines.try_next().await {
                // The kubelet's own words, where the pod was removed while its log was followed.
                if !text.starts_with(
                    "rpc error: code = NotFound desc = an error occurred when try to find container",
                ) {
                    log.push(text);
                }
            }
        });
        Ok(Self { deployments, pods, name, uid: pod.uid().unwrap_or_default() })
    }

    /// The controller's process; the pod's other one is the pause container's.
    pub(super) fn pid(&self) -> Result<u32> {
        let is_controller = |pid: &Pid| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
            // The kernel cuts a name to 15 bytes.
            name.is_ok_and(|name| NAME.starts_with(name.trim_end()))
        };
        let found = processes_of(&self.uid)?.into_iter().find(is_controller);
        let pid = found.context("the pod has no process of the controller")?;
        Ok(pid.as_raw_nonzero().get().try_into()?)
    }

    pub(super) async fn end(&mut self, kill: bool) -> Result<()> {
        let pod = self.pods.get(&self.name).await?;
        let restarts = pod.status.and_then(|status| Some(status.container_statuses?.first()?.restart_count));
        ensure!(restarts == Some(0), "the controller was restarted: {restarts:?}");
        // Of two pods, the Deployment is to end this one.
        let cost = json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}});
        self.pods.patch(&self.name, &PatchParams::default(), &Patch::Merge(cost)).await?;
        if kill {
            kill_processes_of(&self.uid)?;
        }
        scale(&self.deployments, -1).await?;
        let code = OnceLock::new();
        let gone = |pod: Option<&v1::Pod>| {
            let ended = pod.and_then(|pod| {
                let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
                Some(status.state.as_ref()?.terminated.as_ref()?.exit_code)
            });
            if let Some(ended) = ended {
                code.get_or_init(|| ended);
            }
            conditions::is_deleted(&self.uid).matches_object(pod)
        };
        await_condition(self.pods.clone(), &self.name, gone).await?;
        ensure!(kill || code.get() == Some(&0), "it ended with the exit code {:?}", code.get());
        Ok(())
    }
}

/// Adds so many replicas.
async fn scale(deployments: &Api<Deployment>, by: i32) -> Result<()> {
    let present = deployments.get_scale(NAME).await?.spec.and_then(|spec| spec.replicas).unwrap_or_default();
    let patch = Patch::Merge(json!({"spec": {"replicas": present + by}}));
    deployments.patch_scale(NAME, &PatchParams::default(), &patch).await.context("failed to scale")?;
    Ok(())
}

fn of_deployment() -> ListParams {
    ListParams::default().labels(&format!("app.kubernetes.io/name={NAME}"))
}

/// Kills what runs in a pod. The kubelet looks for ended containers once a second, and starts none of a Deployment that
/// was scaled down meanwhile.
fn kill_processes_of(uid: &str) -> Result<()> {
    // The pause container's process may be gone by now.
    let killed =
        processes_of(uid)?.into_iter().filter(|pid| kill_process(*pid, Signal::KILL).is_ok()).count();
    ensure!(killed > 0, "no process of pod {uid} was found");
    Ok(())
}

/// What runs in a pod. We share the node's processes, and a pod's cgroup bears its UID.
fn processes_of(uid: &str) -> Result<Vec<Pid>> {
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let pid = entry?.file_name().to_str().and_then(|name| Pid::from_raw(name.parse().ok()?));
        let of_pod = |pid: &Pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|cgroup| cgroup.contains(uid))
        };
        processes.extend(pid.filter(of_pod));
    }
    Ok(processes)
}

/// Runs kubectl with an input.
async fn kubectl(arguments: &[&str], input: &str) -> Result<()> {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("failed to start kubectl")?;
    child.stdin.take().context("kubectl has no stdin")?.write_all(input.as_bytes()).await?;
    let output = child.wait_with_output().await?;
    ensure!(
        output.status.success(),
        "kubectl {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
