//! Everything outside of Tidegate, and Tidegate's own processes in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tempfile::TempDir;
use tidegate_model::Host;
use tidegate_sandbox_cloud::{Cloud, CloudSpec, FunctionSpec, MappingSpec, QueueSpec, RouteSpec};
use tidegate_sandbox_cluster::{Cluster, ClusterSpec};
use tidegate_sandbox_forge::Forge;

use crate::{Controller, controller::LogLine};

/// The queue of commands.
pub const COMMANDS: &str = "tidegate-commands";
/// The dead-letter queue of commands.
pub const DEAD_LETTERS: &str = "tidegate-commands-dead";
/// The plugins' queues of events.
pub const EVENTS: [&str; 2] = ["tidegate-integrator-events", "tidegate-chatops-events"];

const MASTER_KEY_SECRET: &str = "tidegate/webhook-keys";

/// What a world is like.
#[derive(Debug, Clone)]
pub struct WorldSpec {
    /// The forge's dialect.
    pub dialect: Host,
    /// How many runs may go on at once.
    pub max_runs: u32,
    /// How often webhooks are looked at on the host.
    pub webhook_check_interval: &'static str,
}

impl WorldSpec {
    /// A world with a forge of one dialect and the settings of a small installation.
    pub fn new(dialect: Host) -> Self {
        Self { dialect, max_runs: 20, webhook_check_interval: "10m" }
    }
}

/// Cloud, forge and cluster, with the functions and the controller running.
pub struct World {
    /// The git host.
    pub forge: Forge,
    /// SQS, Secrets Manager, API Gateway and Lambda.
    pub cloud: Cloud,
    /// The Kubernetes API, and what runs `PipelineRun`s.
    pub cluster: Cluster,
    /// The controller's process; `None` while it is down.
    pub controller: Option<Controller>,
    /// A client of the Kubernetes API with every right.
    pub client: kube::Client,
    environment: BTreeMap<String, String>,
    binaries: PathBuf,
    // Last, so that it is removed after everything that uses it.
    _folder: TempDir,
}

impl World {
    /// Starts everything on free ports of 127.0.0.1.
    pub async fn start(spec: WorldSpec) -> Result<Self> {
        let binaries = binaries()?;
        let folder = tempfile::tempdir().context("failed to make a folder for the world")?;
        let place = |name: &str| -> Result<PathBuf> {
            let path = folder.path().join(name);
            std::fs::create_dir(&path)?;
            Ok(path)
        };
        let forge =
            Forge::start(spec.dialect, &place("forge")?).await.context("failed to start the forge")?;
        let cluster = Cluster::start(ClusterSpec { work_dir: place("cluster")? })
            .await
            .context("failed to start the cluster")?;
        let cloud = Cloud::start(cloud(&binaries)).await.context("failed to start the cloud")?;
        let client = cluster.client()?;

        let mut environment = cloud.aws_env();
        let settings = [
            ("KUBECONFIG", cluster.kubeconfig().display().to_string()),
            ("TIDEGATE_COMMAND_QUEUE_URL", cloud.queue_url(COMMANDS)),
            ("TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL", cloud.queue_url(DEAD_LETTERS)),
            ("TIDEGATE_MASTER_KEY_SECRET", MASTER_KEY_SECRET.to_owned()),
            ("TIDEGATE_PUBLIC_URL", cloud.gateway()),
            ("TIDEGATE_CHECKOUT_IMAGE", "sandbox/checkout".to_owned()),
            ("TIDEGATE_ALLOWED_HOSTS", "127.0.0.1".to_owned()),
            ("TIDEGATE_LISTEN", "127.0.0.1:0".to_owned()),
            ("TIDEGATE_WEBHOOK_CHECK_INTERVAL", spec.webhook_check_interval.to_owned()),
            ("TIDEGATE_MAX_RUNS", spec.max_runs.to_string()),
            ("TIDEGATE_MAX_RUNS_PER_REPOSITORY", spec.max_runs.to_string()),
            // Nothing here limits writes, and a scenario's burst is not to be slowed.
            ("TIDEGATE_STATUSES_PER_MINUTE", "60000".to_owned()),
        ];
        environment.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        let mut world =
            Self { forge, cloud, cluster, controller: None, client, environment, binaries, _folder: folder };
        world.start_controller().await?;
        Ok(world)
    }

    /// Starts the controller, and waits until it serves.
    pub async fn start_controller(&mut self) -> Result<()> {
        ensure!(self.controller.is_none(), "the controller runs");
        let binary = self.binaries.join("tidegate-controller");
        let controller = Controller::start(&binary, &self.environment)?;
        controller.address().await?;
        self.controller = Some(controller);
        Ok(())
    }

    /// The address of the controller's `/metrics`.
    pub async fn controller_address(&self) -> Result<String> {
        self.controller.as_ref().context("the controller is down")?.address().await
    }

    /// Stops everything, and returns what was logged: the controller's lines and the functions'.
    pub async fn stop(mut self) -> Result<Vec<LogLine>> {
        let mut lines = match self.controller.take() {
            Some(controller) => controller.stop().await?,
            None => Vec::new(),
        };
        let of_functions = self.cloud.logs().into_iter().map(|line| {
            let json: serde_json::Value = serde_json::from_str(&line.text).unwrap_or_default();
            let level = json["level"].as_str().unwrap_or_default().to_owned();
            LogLine { level, text: format!("{}: {}", line.function, line.text) }
        });
        lines.extend(of_functions);
        self.cloud.stop().await?;
        self.forge.stop().await;
        self.cluster.stop().await?;
        Ok(lines)
    }
}

/// The folder of the built binaries: the one our own lies in, or the one above cargo's `deps`.
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

/// The cloud as the Terraform module lays it out.
fn cloud(binaries: &Path) -> CloudSpec {
    let [integrator_events, chatops_events] = EVENTS;
    let queue = |name: &str, visibility, max_receive_count, dead_letter: Option<&str>| QueueSpec {
        name: name.to_owned(),
        visibility: Duration::from_secs(visibility),
        max_receive_count,
        dead_letter: dead_letter.map(str::to_owned),
    };
    let function = |name: &str, env: &[(&str, String)]| FunctionSpec {
        name: name.to_owned(),
        binary: binaries.join(name),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        concurrency: 1,
        timeout: Duration::from_secs(10),
    };
    let routes = json!([
        {"plugin": "integrator", "queueUrl": format!("${{queue:{integrator_events}}}"), "events": ["pull_request", "push"]},
        {"plugin": "chatops", "queueUrl": format!("${{queue:{chatops_events}}}"), "events": ["comment"]},
    ]);
    let commands = || ("TIDEGATE_COMMAND_QUEUE_URL", format!("${{queue:{COMMANDS}}}"));
    let keys = json!({"keys": [hex_of(b'1')], "githubAppWebhookSecret": "app-secret"});
    CloudSpec {
        queues: vec![
            queue("tidegate-integrator-events-dead", 60, 1000, None),
            queue("tidegate-chatops-events-dead", 60, 1000, None),
            queue(DEAD_LETTERS, 60, 1000, None),
            queue(integrator_events, 60, 5, Some("tidegate-integrator-events-dead")),
            queue(chatops_events, 60, 5, Some("tidegate-chatops-events-dead")),
            queue(COMMANDS, 90, 1000, Some(DEAD_LETTERS)),
        ],
        functions: vec![
            function(
                "tidegate-webhook",
                &[
                    ("TIDEGATE_ROUTES", routes.to_string()),
                    ("TIDEGATE_MASTER_KEY_SECRET", MASTER_KEY_SECRET.to_owned()),
                ],
            ),
            function("tidegate-integrator", &[commands()]),
            function("tidegate-chatops", &[commands()]),
        ],
        routes: vec![RouteSpec {
            key: "POST /hooks/{proxy+}".to_owned(),
            function: "tidegate-webhook".to_owned(),
        }],
        mappings: vec![
            MappingSpec {
                queue: integrator_events.to_owned(),
                function: "tidegate-integrator".to_owned(),
                batch_size: 10,
            },
            MappingSpec {
                queue: chatops_events.to_owned(),
                function: "tidegate-chatops".to_owned(),
                batch_size: 10,
            },
        ],
        secrets: [(MASTER_KEY_SECRET.to_owned(), keys.to_string())].into(),
    }
}

/// A key of 32 bytes, in hexadecimal. Not a secret: it lives as long as a world.
fn hex_of(digit: u8) -> String {
    char::from(digit).to_string().repeat(64)
}
