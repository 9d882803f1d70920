//! The names of log fields. Beside them a line within a span has `name`: that of the innermost span, such as `command` or `host_call`. In tracing's macros a constant is written in braces: `info!({ field::REPO } = %repo, "…")`.

/// The repository: `owner/name`.
pub const REPO: &str = "repo";
/// The kind of host.
pub const HOST: &str = "host";
/// The `IntegrationConfig`: `namespace/name`.
pub const CONFIG: &str = "integration_config";
/// The `IntegrationJob`: `namespace/name`.
pub const JOB: &str = "integration_job";
/// The host's id of a webhook request.
pub const DELIVERY: &str = "delivery.id";
/// The W3C trace id.
pub const TRACE: &str = "trace.id";
/// The kind of an event.
pub const EVENT: &str = "event";
/// How many events a delivery holds.
pub const EVENTS: &str = "events";
/// The intention of a command.
pub const COMMAND: &str = "command";
/// The name of a plugin.
pub const PLUGIN: &str = "plugin";
/// The id that SQS gave to a message.
pub const MESSAGE: &str = "message.id";
/// How it ended, in one word.
pub const OUTCOME: &str = "outcome";
/// How long it took, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// An error and its causes, as [`chain`](fn@crate::chain) prints them.
pub const ERROR: &str = "error";
/// The call of a host's API, by its name in the controller's metrics.
pub const OPERATION: &str = "operation";
/// The name of a queue.
pub const QUEUE: &str = "queue";
/// Why something is so, in a few words.
pub const REASON: &str = "reason";
/// How long until the next try, in milliseconds.
pub const DELAY_MS: &str = "delay_ms";
/// The `IntegrationLedger`: its name.
pub const LEDGER: &str = "integration_ledger";
/// The phase of a run.
pub const PHASE: &str = "phase";
/// The host's id of a hook.
pub const HOOK: &str = "hook.id";
/// The id of a webhook master key.
pub const KEY: &str = "key.id";
/// The context of a commit status.
pub const CONTEXT: &str = "status.context";
/// A namespace of the cluster.
pub const NAMESPACE: &str = "namespace";
/// What was asked for of an HTTP server.
pub const URL: &str = "url";
/// The address that is served.
pub const ADDRESS: &str = "http.address";
/// The name of a replica of the controller.
pub const REPLICA: &str = "replica";
/// One of the controller's loops.
pub const LOOP: &str = "loop";
