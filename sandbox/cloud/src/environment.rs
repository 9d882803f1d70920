//! One execution environment: a process of the function at a time, watched and replaced when it ends.

use std::{collections::BTreeMap, net::Ipv4Addr, process::Stdio, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    function::{Function, InvokeError, Line},
    logs::Logs,
    runtime_api::{Phase, RuntimeApi},
    server,
};

/// How long a process that ended before it asked for work is not replaced.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs one process after the other until it is cancelled.
pub(crate) async fn run(
    function: Arc<Function>,
    env: BTreeMap<String, String>,
    line: Line,
    logs: Logs,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let name = &function.spec.name;
    loop {
        let api = Arc::new(RuntimeApi::new(Arc::clone(&function), Arc::clone(&line), logs.clone()));
        let Some(error) = cancel.run_until_cancelled(run_process(&function, &env, &api, &logs)).await else {
            api.abort(InvokeError::Failed("the cloud was stopped".to_owned()));
            return Ok(());
        };
        let error = error?;
        logs.push(name, format!("process ended: {error}"));
        api.abort(error.clone());
        if api.phase() == Phase::Starting {
            // Lambda starts a process for an invocation, which then fails with it.
            if let Some(invocation) = line.try_lock().ok().and_then(|mut line| line.try_recv().ok()) {
                // The caller may have stopped waiting.
                let _ = invocation.result.send(Err(error));
            }
            let _cancelled = cancel.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }
}

/// Runs one process until it ends, or until one of its invocations takes too long. Dropping this kills the process.
async fn run_process(
    function: &Function,
    env: &BTreeMap<String, String>,
    api: &Arc<RuntimeApi>,
    logs: &Logs,
) -> anyhow::Result<InvokeError> {
    let (listener, address) = server::listen(Ipv4Addr::LOCALHOST.into()).await?;
    let mut child = spawn(function, env, &address.to_string())?;
    let mut output = JoinSet::new();
    let name = &function.spec.name;
    output.spawn(copy_lines(child.stdout.take(), name.clone(), logs.clone()));
    output.spawn(copy_lines(child.stderr.take(), name.clone(), logs.clone()));
    let handler = Arc::clone(api);
    let serving = server::serve(listener, move |request, _| {
        let api = Arc::clone(&handler);
        async move { api.handle(request).await }
    });
    let error = tokio::select! {
        status = child.wait() => InvokeError::Failed(format!("Runtime.ExitError: {}", status?)),
        () = api.overrun() => InvokeError::TimedOut,
        served = serving => return served.map(|()| InvokeError::Failed("the Runtime API ended".to_owned())),
    };
    child.kill().await.context("failed to kill the process")?;
    output.join_all().await;
    Ok(error)
}

fn spawn(function: &Function, env: &BTreeMap<String, String>, api: &str) -> anyhow::Result<Child> {
    let spec = &function.spec;
    Command::new(&spec.binary)
        .env_clear()
        .envs(env)
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", &spec.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "sandbox")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start function {} ({})", spec.name, spec.binary.display()))
}

async fn copy_lines(output: Option<impl AsyncRead + Unpin>, function: String, logs: Logs) {
    let Some(output) = output else { return };
    let mut lines = BufReader::new(output).lines();
    // Output that is no text ends the copying.
    while let Ok(Some(line)) = lines.next_line().await {
        logs.push(&function, line);
    }
}
