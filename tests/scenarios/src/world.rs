//! Everything outside of Tidegate, and Tidegate's own processes in it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::PostParams};
use serde_json::json;
use tempfile::TempDir;
use tidegate_model::Host;
use tidegate_sandbox_cloud::Cloud as SandboxCloud;
use tidegate_sandbox_cluster::{Cluster, ClusterSpec};
use tidegate_sandbox_forge::Forge as SandboxForge;
use tokio::process::Command;

use crate::{
    Cloud, Controller, Deployed, Forge, LogLine,
    cloud::{COMMANDS, DEAD_LETTERS, MASTER_KEY_SECRET, PLUGIN_COMMANDS, PLUGIN_DEAD_LETTERS, cloud},
    controller::Installation,
    gitea::Gitea,
};

/// What people reach the controller's pages at. Nothing resolves it: scenarios ask the controller itself.
pub(crate) const REPORT_URL: &str = "https://ci.example.com";

/// Whether the scenarios run on a real cluster: `TIDEGATE_WORLD=cluster`, inside `tests/cluster/cluster exec`.
pub fn is_real() -> bool {
    std::env::var_os("TIDEGATE_WORLD").is_some_and(|world| world == "cluster")
}

/// Whether the cloud was deployed before: `TIDEGATE_WORLD=deployed`, set by `cargo xtask deploy`.
pub fn is_deployed() -> bool {
    std::env::var_os("TIDEGATE_WORLD").is_some_and(|world| world == "deployed")
}

/// What a world is like.
#[derive(Debug, Clone)]
pub struct WorldSpec {
    /// The forge's dialect.
    pub dialect: Host,
    /// How many runs may be active at once.
    pub max_runs: u32,
    /// How many of one repository, whatever its config says. Without it as many as that.
    pub repository_runs_limit: Option<u32>,
    /// For how long function and controller use master keys without a look at the secret.
    pub master_key_cache: &'static str,
    /// How often webhooks are looked at on the host.
    pub webhook_check_interval: &'static str,
    /// How long a silent leader is waited for.
    pub lease_duration: &'static str,
    /// The intentions of the third-party plugin; empty without such a plugin.
    pub plugin_intentions: &'static [&'static str],
    /// Whether the controller serves two namespaces, and no other.
    pub two_namespaces: bool,
    /// Whether the scene's repository belongs to an organisation.
    pub owner_is_organisation: bool,
    /// The program of the Integrator's function, by its path among the built ones.
    pub integrator: &'static str,
}

impl WorldSpec {
    /// A world with a forge of one dialect and the settings of a small installation.
    pub fn new(dialect: Host) -> Self {
        Self {
            dialect,
            max_runs: 20,
            repository_runs_limit: None,
            master_key_cache: "5m",
            webhook_check_interval: "10m",
            lease_duration: "15s",
            plugin_intentions: &[],
            two_namespaces: false,
            owner_is_organisation: false,
            integrator: "tidegate-integrator",
        }
    }
}

/// Cloud, forge and cluster, with the functions and the controller running.
pub struct World {
    /// The Git host.
    pub forge: Forge,
    /// SQS, Secrets Manager, API Gateway and Lambda.
    pub cloud: Cloud,
    /// The controller that was started first; `None` while it is down.
    pub controller: Option<Controller>,
    /// A second replica, if there is one.
    pub standby: Option<Controller>,
    /// A client of the Kubernetes API with every right.
    pub client: kube::Client,
    /// The namespace that the controller serves.
    pub namespace: String,
    /// The other one, if it serves two.
    pub second_namespace: Option<String>,
    cluster: ClusterForm,
    /// What controllers have logged that are gone.
    log: Vec<LogLine>,
    // Last, so that it is removed after everything that uses it.
    _folder: TempDir,
}

/// The Kubernetes API, and what runs `PipelineRun`s; and how the controller is started there.
enum ClusterForm {
    /// In this process, the controller beside it.
    Sandbox { cluster: Cluster, binary: PathBuf, environment: BTreeMap<String, String> },
    /// A real one, the controller in a pod.
    Real(Installation),
}

impl World {
    /// Starts everything: on free ports of 127.0.0.1, or on the real cluster.
    ///
    /// Boxed, so that the sandbox's futures are compiled in this crate, and not in each binary that starts a world.
    pub fn start(spec: WorldSpec) -> BoxFuture<'static, Result<Self>> {
        Box::pin(async move {
            let folder = tempfile::tempdir().context("failed to make a folder for the world")?;
            let mut world = if is_real() {
                Box::pin(Self::real(spec, folder)).await?
            } else {
                Box::pin(Self::sandbox(spec, folder)).await?
            };
            world.start_controller().await?;
            Ok(world)
        })
    }

    async fn sandbox(spec: WorldSpec, folder: TempDir) -> Result<Self> {
        let binaries = binaries()?;
        let place = |name: &str| -> Result<PathBuf> {
            let path = folder.path().join(name);
            std::fs::create_dir(&path)?;
            Ok(path)
        };
        let forge =
            SandboxForge::start(spec.dialect, &place("forge")?).await.context("failed to start the forge")?;
        let cluster = Cluster::start(ClusterSpec { work_dir: place("cluster")? })
            .await
            .context("failed to start the cluster")?;
        let address = Ipv4Addr::LOCALHOST.into();
        let cloud = if is_deployed() {
            Cloud::Deployed(Deployed::of_environment().await?)
        } else {
            sandbox_cloud(&spec, address, &binaries).await?
        };
        let client = cluster.client()?;

        let mut environment = settings(&spec, &cloud, address);
        environment.insert("KUBECONFIG".to_owned(), cluster.kubeconfig().display().to_string());
        environment.insert("TIDEGATE_LISTEN".to_owned(), "127.0.0.1:0".to_owned());
        environment.insert("TIDEGATE_GITHUB_APP_API_URL".to_owned(), forge.api_url());
        environment.insert("TIDEGATE_CHECKOUT_IMAGE".to_owned(), "sandbox/checkout".to_owned());
        let namespace = "ci".to_owned();
        let second_namespace = make_namespaces(&spec, &client, &namespace).await?;
        if let Some(second) = &second_namespace {
            environment.insert("TIDEGATE_NAMESPACES".to_owned(), format!("{namespace},{second}"));
        }
        let binary = binaries.join("tidegate-controller");
        let cluster = ClusterForm::Sandbox { cluster, binary, environment };
        Ok(Self {
            forge: Forge::Sandbox(forge),
            cloud,
            controller: None,
            standby: None,
            client,
            namespace,
            second_namespace,
            cluster,
            log: Vec::new(),
            _folder: folder,
        })
    }

    async fn real(spec: WorldSpec, folder: TempDir) -> Result<Self> {
        // Scenes share the cluster and its Gitea, so each has names of its own.
        let scene =
            folder.path().file_name().and_then(|name| name.to_str()).context("a folder without a name")?;
        let scene: String =
            scene.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let gitea = Gitea::of_environment(&scene)?;
        let address = gitea.address()?;
        let cloud = sandbox_cloud(&spec, address, &binaries()?).await?;
        let mut config = kube::Config::infer().await.context("failed to find the cluster")?;
        config.default_retry = false;
        let client = kube::Client::try_from(config).context("failed to make a client")?;

        let namespace = format!("ci-{scene}");
        let second_namespace = make_namespaces(&spec, &client, &namespace).await?;
        let namespaces: Vec<_> = std::iter::once(&namespace).chain(&second_namespace).cloned().collect();
        let mut environment = settings(&spec, &cloud, address);
        environment.insert("TIDEGATE_NAMESPACES".to_owned(), namespaces.join(","));
        environment
            .insert("TIDEGATE_CHECKOUT_IMAGE".to_owned(), "localhost/tidegate/checkout:dev".to_owned());
        let own = format!("tidegate-{scene}");
        let installation = Installation::apply(client.clone(), &own, &environment).await?;
        let cluster = ClusterForm::Real(installation);
        Ok(Self {
            forge: Forge::Gitea(gitea),
            cloud,
            controller: None,
            standby: None,
            client,
            namespace,
            second_namespace,
            cluster,
            log: Vec::new(),
            _folder: folder,
        })
    }

    /// Starts the controller, and waits until it serves.
    pub async fn start_controller(&mut self) -> Result<()> {
        ensure!(self.controller.is_none(), "the controller runs");
        self.controller = Some(Box::pin(self.replica("controller-0")).await?);
        Ok(())
    }

    /// Starts a second replica beside the controller, and waits until it serves.
    pub async fn start_standby(&mut self) -> Result<()> {
        ensure!(self.controller.is_some() && self.standby.is_none(), "not one controller runs");
        self.standby = Some(Box::pin(self.replica("controller-1")).await?);
        Ok(())
    }

    async fn replica(&self, name: &str) -> Result<Controller> {
        match &self.cluster {
            ClusterForm::Sandbox { binary, environment, .. } => {
                let mut environment = environment.clone();
                environment.insert("TIDEGATE_POD_NAME".to_owned(), name.to_owned());
                Controller::start(binary, &environment).await
            }
            ClusterForm::Real(installation) => Controller::deploy(installation).await,
        }
    }

    /// Stops the controller as Kubernetes does. A standby is the controller from now on.
    pub async fn stop_controller(&mut self) -> Result<()> {
        Box::pin(self.end_controller(Controller::stop)).await
    }

    /// Kills the controller where it stands, as a lost node does. A standby is the controller from now on.
    pub async fn kill_controller(&mut self) -> Result<()> {
        Box::pin(self.end_controller(Controller::kill)).await
    }

    async fn end_controller(
        &mut self,
        end: impl AsyncFnOnce(Controller) -> Result<Vec<LogLine>>,
    ) -> Result<()> {
        let controller = self.controller.take().context("the controller is down")?;
        self.log.extend(end(controller).await?);
        self.controller = self.standby.take();
        Ok(())
    }

    /// The address of the controller's `/metrics`.
    pub async fn controller_address(&self) -> Result<String> {
        self.controller.as_ref().context("the controller is down")?.address().await
    }

    /// The namespace of the controller's own pod, which only a real cluster has.
    pub fn controller_namespace(&self) -> Result<&str> {
        match &self.cluster {
            ClusterForm::Sandbox { .. } => bail!("unsupported: the sandbox's controller is a process"),
            ClusterForm::Real(installation) => Ok(installation.namespace()),
        }
    }

    /// `tidegate` with these arguments, in the controller's environment. Only beside the sandbox.
    pub fn tidegate(&self, arguments: &[&str]) -> Result<Command> {
        let ClusterForm::Sandbox { binary, environment, .. } = &self.cluster else {
            bail!("unsupported: the controller's environment is in its pod");
        };
        let mut command = Command::new(binary.with_file_name("tidegate"));
        command.args(arguments).envs(environment).stdin(Stdio::null()).kill_on_drop(true);
        Ok(command)
    }

    /// The sandbox's cluster, for what no real one can do on request.
    pub fn sandbox_cluster(&self) -> Result<&Cluster> {
        match &self.cluster {
            ClusterForm::Sandbox { cluster, .. } => Ok(cluster),
            ClusterForm::Real(_) => bail!("unsupported: this is a real cluster"),
        }
    }

    /// Stops everything, and returns what was logged: the controllers' lines and the functions'.
    pub async fn stop(mut self) -> Result<Vec<LogLine>> {
        while self.controller.is_some() {
            self.stop_controller().await?;
        }
        let mut lines = std::mem::take(&mut self.log);
        let of_functions =
            self.cloud.logs().await?.into_iter().filter(|line| !line.text.is_empty()).map(|line| {
                let json: serde_json::Value = serde_json::from_str(&line.text).unwrap_or_default();
                let level = json["level"].as_str().unwrap_or_default().to_owned();
                LogLine { level, text: format!("{}: {}", line.function, line.text) }
            });
        lines.extend(of_functions);
        self.cloud.stop().await?;
        self.forge.stop().await;
        match self.cluster {
            ClusterForm::Sandbox { cluster, .. } => cluster.stop().await?,
            ClusterForm::Real(installation) => {
                installation.remove(std::iter::once(&self.namespace).chain(&self.second_namespace)).await?;
            }
        }
        Ok(lines)
    }
}

/// The sandbox's cloud, with the functions of these binaries.
async fn sandbox_cloud(spec: &WorldSpec, address: IpAddr, binaries: &Path) -> Result<Cloud> {
    let cloud = SandboxCloud::start(cloud(spec, address, binaries)).await;
    let cloud = cloud.context("failed to start the cloud")?;
    Ok(Cloud::Sandbox(Box::new(cloud)))
}

/// The controller's settings in every world.
fn settings(spec: &WorldSpec, cloud: &Cloud, address: IpAddr) -> BTreeMap<String, String> {
    let mut environment = cloud.aws_env();
    let settings = [
        ("TIDEGATE_COMMAND_QUEUE_URL", cloud.queue_url(COMMANDS)),
        ("TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL", cloud.queue_url(DEAD_LETTERS)),
        ("TIDEGATE_MASTER_KEY_SECRET", MASTER_KEY_SECRET.to_owned()),
        ("TIDEGATE_MASTER_KEY_CACHE", spec.master_key_cache.to_owned()),
        ("TIDEGATE_PUBLIC_URL", cloud.gateway()),
        ("TIDEGATE_REPORT_URL", REPORT_URL.to_owned()),
        ("TIDEGATE_ALLOWED_HOSTS", address.to_string()),
        ("TIDEGATE_WEBHOOK_CHECK_INTERVAL", spec.webhook_check_interval.to_owned()),
        ("TIDEGATE_LEASE_DURATION", spec.lease_duration.to_owned()),
        ("TIDEGATE_MAX_RUNS", spec.max_runs.to_string()),
        ("TIDEGATE_MAX_RUNS_PER_REPOSITORY", spec.max_runs.to_string()),
        ("TIDEGATE_REPOSITORY_RUNS_LIMIT", spec.repository_runs_limit.unwrap_or(spec.max_runs).to_string()),
        // Nothing here limits writes, and a scenario's burst is not to be slowed.
        ("TIDEGATE_STATUSES_PER_MINUTE", "60000".to_owned()),
    ];
    environment.extend(settings.map(|(name, value)| (name.to_owned(), value)));
    if !spec.plugin_intentions.is_empty() {
        let plugin = json!({
            "plugin": "audit", "intentions": spec.plugin_intentions,
            "queueUrl": cloud.queue_url(PLUGIN_COMMANDS), "deadLetterQueueUrl": cloud.queue_url(PLUGIN_DEAD_LETTERS),
        });
        environment.insert("TIDEGATE_PLUGIN_QUEUES".to_owned(), json!([plugin]).to_string());
    }
    environment
}

/// Makes the namespace of this name, and the other one if there is one.
async fn make_namespaces(spec: &WorldSpec, client: &kube::Client, name: &str) -> Result<Option<String>> {
    make_namespace(client, name).await?;
    let second = spec.two_namespaces.then(|| format!("{name}-2"));
    if let Some(second) = &second {
        make_namespace(client, second).await?;
    }
    Ok(second)
}

async fn make_namespace(client: &kube::Client, name: &str) -> Result<()> {
    let made: Namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
    Api::all(client.clone())
        .create(&PostParams::default(), &made)
        .await
        .with_context(|| format!("failed to make the namespace {name}"))?;
    Ok(())
}

/// The folder of the built binaries: the one of our own binary, or the one above cargo's `deps`.
fn binaries() -> Result<PathBuf> {
    let own = std::env::current_exe().context("failed to find our own path")?;
    let folder = own
        .ancestors()
        .skip(1)
        .find(|folder| !folder.ends_with("deps"))
        .context("our binary has no folder")?;
    ensure!(
        folder.join("tidegate-controller").exists(),
        "the binaries are not built: run `cargo build --bins` first, or use `cargo ci --fast`"
    );
    Ok(folder.to_owned())
}
