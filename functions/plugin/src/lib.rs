//! What every plugin function does around its one pure function `Event -> Vec<Command>`: it receives batches of events,
//! sends the commands, and reports which events failed.
//!
//! ```no_run
//! # fn commands(_: &tidegate_model::Event) -> Vec<tidegate_model::Command> { Vec::new() }
//! # async fn example() -> anyhow::Result<()> {
//! tidegate_plugin::run("integrator", commands).await
//! # }
//! ```

mod batch;
mod worker;

use std::{env, sync::Arc};

use anyhow::Context;
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tidegate_model::{Command, Event};
use tidegate_queue::Queue;

pub use batch::NoMessageId;
pub use worker::Worker;

/// The setting that holds the URL of the queue for commands.
const COMMAND_QUEUE: &str = "TIDEGATE_COMMAND_QUEUE_URL";

/// Runs the plugin of this name as a Lambda function with partial batch responses, until Lambda ends the process.
pub async fn run(plugin: &'static str, commands: fn(&Event) -> Vec<Command>) -> anyhow::Result<()> {
    tidegate_telemetry::init()?;
    let url = env::var(COMMAND_QUEUE).with_context(|| format!("{COMMAND_QUEUE} is not set"))?;
    let queue = Queue::new(&tidegate_aws::load_in_lambda()?, url);
    let worker = Arc::new(Worker::new(plugin, commands, queue));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let worker = Arc::clone(&worker);
        async move { worker.work(&event.payload.records).await.map_err(Error::from) }
    }))
    .await
    .map_err(anyhow::Error::from_boxed)
}
