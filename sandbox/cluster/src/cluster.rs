//! Starting and stopping the whole.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use kube::CustomResourceExt as _;
use serde_json::{Value, json};
use tidegate_resources::{IntegrationConfig, IntegrationJob, IntegrationLedger};
use tidegate_sandbox_gate::{Gate, Moment};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{
        failure::Failure,
        names, object,
        served::{Key, Resource},
        server::Server,
        store::Store,
    },
    executor::{Executor, task::log_folder},
};

/// What a cluster is made from.
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    /// A directory of its own: the kubeconfig, the tasks' directories and the steps' logs lie there.
    pub work_dir: PathBuf,
}

/// A running cluster: the API on 127.0.0.1, and the executor. Dropping it ends both at once; `stop` ends them
/// in order.
pub struct Cluster {
    store: Arc<Store>,
    server: Arc<Server>,
    url: String,
    work_dir: PathBuf,
    paused: watch::Sender<bool>,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Cluster {
    /// Starts a cluster with the namespace `default` and Tidegate's CRDs in it.
    pub async fn start(spec: ClusterSpec) -> anyhow::Result<Self> {
        // Steps start elsewhere: their paths must not depend on where this process is.
        let work_dir = std::path::absolute(spec.work_dir).context("failed to resolve the work directory")?;
        std::fs::create_dir_all(&work_dir)
            .with_context(|| format!("failed to create {}", work_dir.display()))?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("failed to listen on 127.0.0.1")?;
        let url = format!("http://{}", listener.local_addr().context("failed to read the API's address")?);
        let kubeconfig = work_dir.join("kubeconfig");
        std::fs::write(&kubeconfig, kubeconfig_text(&url))
            .with_context(|| format!("failed to write {}", kubeconfig.display()))?;

        let store = Arc::new(Store::new());
        install(&store)
            .map_err(|failure| anyhow::anyhow!("failed to fill the cluster: {}", failure.status()))?;
        let stop = CancellationToken::new();
        let server = Arc::new(Server::new(Arc::clone(&store), stop.clone()));
        let (paused, pause) = watch::channel(false);
        let executor = Executor::new(Arc::clone(&store), work_dir.clone(), pause, stop.clone());
        let serving = Arc::clone(&server).serve(listener);
        let mut tasks = JoinSet::new();
        tasks.spawn(async { serving.await.context("failed to serve the API") });
        tasks.spawn(async {
            executor.run().await;
            Ok(())
        });
        Ok(Self { store, server, url, work_dir, paused, stop, tasks })
    }

    /// The address of the API.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path of a kubeconfig for it, for `KUBECONFIG`.
    pub fn kubeconfig(&self) -> PathBuf {
        self.work_dir.join("kubeconfig")
    }

    /// A client of it, whose own namespace is `default`. It reports a refusal at once, where kube's own default tries
    /// again for minutes.
    pub fn client(&self) -> anyhow::Result<kube::Client> {
        let url = self.url.parse().context("failed to read the API's address")?;
        let mut config = kube::Config::new(url);
        config.default_retry = false;
        kube::Client::try_from(config).context("failed to make a client")
    }

    /// What a step has written so far.
    pub fn step_log(
        &self,
        namespace: &str,
        pipeline_run: &str,
        task: &str,
        step: &str,
    ) -> anyhow::Result<String> {
        let path = log_folder(&self.work_dir, namespace, pipeline_run, task).join(format!("{step}.log"));
        let bytes = std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// While unavailable, the API answers everything with 503 and has ended its watches. The executor keeps running.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.server.set_unavailable(unavailable);
    }

    /// Refuses a verb and a resource in a namespace with 403, like `create integrationjobs`, with the API server's word why;
    /// `None` ends that.
    pub fn refuse(&self, request: &str, namespace: &str, why: Option<&str>) {
        self.server.refusals.set(request, namespace, why);
    }

    /// Stores an object of Tidegate's or Tekton's as it is, as if it was written before its CRD had its present rules.
    pub fn plant(&self, mut object: Value) -> anyhow::Result<()> {
        let kind = object["kind"].as_str().unwrap_or_default();
        let ours = [Resource::IntegrationConfig, Resource::IntegrationJob, Resource::IntegrationLedger];
        let resource = ours
            .into_iter()
            .chain([Resource::PipelineRun, Resource::TaskRun])
            .find(|resource| resource.row().kind == kind)
            .with_context(|| format!("{kind} can't be planted"))?;
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let key = Key::new(resource, text("namespace"), text("name"));
        let metadata = object["metadata"].as_object_mut().context("an object without metadata")?;
        metadata.entry("uid").or_insert_with(|| names::uid().into());
        metadata.entry("creationTimestamp").or_insert_with(|| object::now().into());
        let generation = metadata.get("generation").and_then(Value::as_u64).unwrap_or_default();
        metadata.insert("generation".to_owned(), (generation + 1).into());
        self.store.write(|state| state.put(&key, object));
        Ok(())
    }

    /// Holds the next request of a verb and a resource, like `create pipelineruns` or `patch integrationjobs/status`.
    pub fn hold_next(&self, request: &str, moment: Moment) -> Gate {
        self.server.gates.hold_next(request.to_owned(), moment)
    }

    /// While paused, the executor ignores all runs, like a Tekton that is down. Running steps continue.
    pub fn pause_executor(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// Forgets the history of changes, as etcd's compaction does: a watch from an older version gets 410.
    pub fn compact(&self) {
        self.store.write(crate::api::store::State::compact);
    }

    /// Stops the API and every process, and waits for them.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a task of the cluster panicked")??;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A kubeconfig; JSON is YAML.
fn kubeconfig_text(url: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": {"server": url}}],
        "users": [{"name": "sandbox", "user": {}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox", "namespace": "default"}}],
        "current-context": "sandbox",
    })
    .to_string()
}

fn install(store: &Store) -> Result<(), Failure> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}});
    store.write(|state| state.create(Resource::Namespace, "", namespace))?;
    for crd in [IntegrationConfig::crd(), IntegrationJob::crd(), IntegrationLedger::crd()] {
        let mut crd: Value = serde_json::to_value(crd).expect("a CRD is plain data");
        crd["apiVersion"] = "apiextensions.k8s.io/v1".into();
        crd["kind"] = "CustomResourceDefinition".into();
        store.write(|state| state.create(Resource::CustomResourceDefinition, "", crd))?;
    }
    Ok(())
}
