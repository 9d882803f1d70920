//! The operator's settings, by flags or environment. A bad value fails the start, and the error names it.

mod base_url;
mod plugin_queues;

use std::{net::SocketAddr, time::Duration};

use clap::Parser;
use tidegate_model::{Host, ObjectName, Timeout};
use tidegate_rules::schedule::Limits;

use self::base_url::base_url;
pub use self::plugin_queues::{PluginQueue, PluginQueues, PluginQueuesError};

/// The in-cluster controller of Tidegate.
#[derive(Debug, Clone, Parser)]
#[command(name = "tidegate-controller", version)]
pub struct Settings {
    /// The namespaces whose configs are served, separated by commas. Without any: all.
    #[arg(long, env = "TIDEGATE_NAMESPACES", value_delimiter = ',')]
    pub namespaces: Vec<ObjectName>,

    /// The queue that our plugins send commands to.
    #[arg(long, env = "TIDEGATE_COMMAND_QUEUE_URL")]
    pub command_queue_url: String,

    /// The queue that commands are moved to when they can't be read or are refused for good, with the reason.
    #[arg(long, env = "TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL")]
    pub command_dead_letter_queue_url: String,

    /// The command queues of third-party plugins, as a JSON list of {plugin, queueUrl, deadLetterQueueUrl, intentions}.
    #[arg(long, env = "TIDEGATE_PLUGIN_QUEUES", default_value = "[]", hide_default_value = true)]
    pub plugin_queues: PluginQueues,

    /// The secret of AWS Secrets Manager that holds the webhook master keys: a name or an ARN.
    #[arg(long, env = "TIDEGATE_MASTER_KEY_SECRET")]
    pub master_key_secret: String,

    /// How long the master keys are cached.
    #[arg(long, env = "TIDEGATE_MASTER_KEY_CACHE", default_value = "5m")]
    pub master_key_cache: Timeout,

    /// The address that hosts deliver webhooks to, without a path, like <https://hooks.example.com>.
    #[arg(long, env = "TIDEGATE_PUBLIC_URL", value_parser = base_url)]
    pub public_url: String,

    /// The address that people reach this controller's pages at: commit statuses link to them. Without it, there are no pages.
    #[arg(long, env = "TIDEGATE_REPORT_URL", value_parser = base_url)]
    pub report_url: Option<String>,

    /// How many runs may be active at once in the whole cluster.
    #[arg(long, env = "TIDEGATE_MAX_RUNS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_runs: u32,

    /// How many runs of one repository may be active at once if its config doesn't set it.
    #[arg(long, env = "TIDEGATE_MAX_RUNS_PER_REPOSITORY", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_runs_per_repository: u32,

    /// How many runs of one repository may be active at once, whatever its config sets. Without it: half of the cluster's, so
    /// that one repository never holds every slot.
    #[arg(long, env = "TIDEGATE_REPOSITORY_RUNS_LIMIT", value_parser = clap::value_parser!(u32).range(1..))]
    pub repository_runs_limit: Option<u32>,

    /// How many runs of one namespace may be active at once. Without it: as many as of the cluster.
    #[arg(long, env = "TIDEGATE_NAMESPACE_RUNS_LIMIT", value_parser = clap::value_parser!(u32).range(1..))]
    pub namespace_runs_limit: Option<u32>,

    /// The longest timeout of a run, whatever its config sets, like 6h.
    #[arg(long, env = "TIDEGATE_TIMEOUT_LIMIT", default_value = "6h")]
    pub timeout_limit: Timeout,

    /// The image of the checkout step: it needs sh and git.
    #[arg(long, env = "TIDEGATE_CHECKOUT_IMAGE")]
    pub checkout_image: String,

    /// The `ServiceAccount` of the runs' pods, in the config's namespace. Its token is never mounted.
    #[arg(long, env = "TIDEGATE_RUN_SERVICE_ACCOUNT", default_value = "default")]
    pub run_service_account: String,

    /// The `ServiceAccount` of the pods of runs whose code gets no Secrets: those of forks. Without it they use that of all
    /// other runs.
    #[arg(long, env = "TIDEGATE_UNTRUSTED_RUN_SERVICE_ACCOUNT")]
    pub untrusted_run_service_account: Option<String>,

    /// Hosts that `spec.git.apiUrl` may name although they are private or speak plain HTTP, and to which a Secret without the
    /// annotation `tidegate.dev/host` may be sent; separated by commas.
    #[arg(long, env = "TIDEGATE_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,

    /// The address of the API of the host that the GitHub App is registered at. The App's events reach only configs with
    /// this `spec.git.apiUrl`.
    #[arg(long, env = "TIDEGATE_GITHUB_APP_API_URL", default_value = Host::Github.default_api_url(), value_parser = base_url)]
    pub github_app_api_url: String,

    /// How many writes a minute one credential may make: commit statuses, and answers to comments.
    #[arg(long, env = "TIDEGATE_STATUSES_PER_MINUTE", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..))]
    pub statuses_per_minute: u32,

    /// How often a config's webhook is checked on the host, like 10m.
    #[arg(long, env = "TIDEGATE_WEBHOOK_CHECK_INTERVAL", default_value = "10m")]
    pub webhook_check_interval: Timeout,

    /// The `Lease` that decides which replica acts, in the controller's own namespace. One for each installation.
    #[arg(long, env = "TIDEGATE_LEASE_NAME", default_value = "tidegate-controller")]
    pub lease_name: ObjectName,

    /// How long the lease is valid without a renewal: then another replica takes over, like 15s.
    #[arg(long, env = "TIDEGATE_LEASE_DURATION", default_value = "15s")]
    pub lease_duration: Timeout,

    /// The name of this replica in the lease: its pod's, so that a restarted container continues at once. Without it: a random
    /// one.
    #[arg(long, env = "TIDEGATE_POD_NAME")]
    pub pod_name: Option<String>,

    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "TIDEGATE_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
}

impl Settings {
    /// How long one attempt of a request to a host may take.
    pub const HOST_TIMEOUT: Duration = Duration::from_secs(5);

    /// The `ServiceAccount` of the pods of runs whose code gets no Secrets.
    pub fn untrusted_run_service_account(&self) -> &str {
        self.untrusted_run_service_account.as_deref().unwrap_or(&self.run_service_account)
    }

    /// The upper bounds for configs and runs.
    pub fn limits(&self) -> Limits {
        Limits {
            runs_per_repository: self.repository_runs_limit.unwrap_or(self.max_runs.div_ceil(2)),
            runs_per_namespace: self.namespace_runs_limit.unwrap_or(self.max_runs),
            timeout: self.timeout_limit,
        }
    }
}
