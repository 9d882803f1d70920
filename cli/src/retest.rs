//! `tidegate retest`: runs the failed jobs of a push's run again.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, ensure};
use kube::{
    Api, Client, Config,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tidegate_model::{JobName, ObjectName};
use tidegate_resources::{IntegrationJob, annotation, integration_job_name, retest_trigger_digest};

use crate::{console, runtime};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the failed jobs of a push's run again.
///
/// For a pull request, comment /retest instead.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The name of the run, as `kubectl get integrationjobs` shows it.
    run: ObjectName,
    /// Its namespace; by default that of the kubeconfig's context.
    #[arg(long, short)]
    namespace: Option<ObjectName>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    match runtime::block_on(retest(arguments))? {
        Ok(text) => {
            console::print_line(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            console::eprint_line(&format!("{error:#}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn retest(arguments: &Arguments) -> Result<String> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed before"))?;
    let mut config = Config::infer()
        .await
        .context("failed to find the cluster: expected a kubeconfig or a ServiceAccount")?;
    config.read_timeout = Some(TIMEOUT);
    let client = Client::try_from(config).context("failed to set up the client of the Kubernetes API")?;
    let namespace = arguments.namespace.as_ref().map_or(client.default_namespace(), ObjectName::as_str);
    let api: Api<IntegrationJob> = Api::namespaced(client.clone(), namespace);
    let name = arguments.run.as_str();
    let job = api.get(name).await.with_context(|| format!("failed to read IntegrationJob {name}"))?;
    let jobs = job.jobs_to_retest().with_context(|| format!("{name} has no job to run again"))?;
    let waiting = job.metadata.annotations.as_ref().and_then(|all| all.get(annotation::RETEST));
    ensure!(waiting.is_none(), "{name} already has a request, which no controller has handled yet");
    let request = hex::encode(rand::random::<[u8; 8]>());
    let patch = json!({"metadata": {
        "resourceVersion": job.metadata.resource_version,
        "annotations": {annotation::RETEST: request},
    }});
    let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.with_context(|| format!("failed to annotate IntegrationJob {name}"))?;
    let new = integration_job_name(&job.spec.config.name, &retest_trigger_digest(name, &request), 1);
    let jobs: Vec<&str> = jobs.iter().map(JobName::as_str).collect();
    Ok(format!(
        "requested {} of {name} again: IntegrationJob {new}. If the controller doesn't create it, an Event of {name} gives the reason",
        jobs.join(", ")
    ))
}
