//! How quick and how light the functions are: exec → the first `/next`, side by side with a function that does nothing;
//! then the memory and processor time of warm ones. Prints one JSON object, which `cargo xtask package --report` reads.
//!
//! The cloud is the sandbox's: real HTTP to SQS and Secrets Manager, but without TLS and within one machine.
#![expect(clippy::print_stdout, reason = "this is a program for a terminal")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_sandbox_cloud::{Cloud, FunctionSpec};
use tidegate_scenarios::{
    COMMANDS, EVENTS, GITHUB_APP_SECRET, WorldSpec, cloud, process::resident_mib, signature,
};
use tokio::{io::AsyncReadExt as _, net::TcpListener, process::Command};

/// Measures the functions.
#[derive(Parser)]
struct Arguments {
    /// Where their programs lie.
    folder: PathBuf,
    /// The program of the function that does nothing, in the same folder.
    #[arg(long, default_value = "tidegate-empty-function")]
    empty: String,
    /// How often each is started.
    #[arg(long, default_value_t = 50)]
    starts: usize,
    /// How many deliveries of each kind warm them up.
    #[arg(long, default_value_t = 500)]
    deliveries: usize,
}

/// Deliveries that are recorded: the events, and the bodies.
const DELIVERIES: [(&str, &str); 2] = [
    ("pull_request", include_str!("../../../payloads/github/pull_request.synchronize.json")),
    ("issue_comment", include_str!("../../../payloads/github/issue_comment.created.json")),
];
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { folder, empty, starts, deliveries } = Arguments::parse();
    let folder = fs::canonicalize(&folder).with_context(|| format!("no folder {}", folder.display()))?;
    let spec = cloud(&WorldSpec::new(Host::Github), std::net::Ipv4Addr::LOCALHOST.into(), &folder);
    let mut functions = spec.functions.clone();
    functions.push(FunctionSpec { name: empty.clone(), binary: folder.join(&empty), ..functions[0].clone() });
    let cloud = Cloud::start(spec).await.context("failed to start the cloud")?;
    let load = fs::read_to_string("/proc/loadavg")?.trim().to_owned();

    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    // In turns, so that the machine's other work slows all of them alike.
    for _ in 0..starts {
        for function in &functions {
            let environment = environment(&cloud, function);
            let took = start(&function.binary, &environment).await?;
            times.entry(&function.name).or_default().push(took);
        }
    }
    let pids = processes(&folder)?;
    let before: BTreeMap<_, _> =
        pids.iter().map(|(name, pid)| Ok((name.as_str(), busy(*pid)?))).collect::<Result<_>>()?;
    warm_up(&cloud, deliveries).await?;
    let mut measured = serde_json::Map::new();
    for function in &functions {
        let times = times.get_mut(function.name.as_str()).context("never started")?;
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
        let mut figures = json!({"startP50Ms": at(50), "startP90Ms": at(90)});
        if let Some(pid) = pids.get(&function.name) {
            let used = busy(*pid)?.saturating_sub(before[function.name.as_str()]);
            // All deliveries pass the webhook function; each plugin gets those of its kind.
            let kinds = if function.name == "tidegate-webhook" { DELIVERIES.len() } else { 1 };
            let each = used.as_secs_f64() * 1000.0 / f64::from(u32::try_from(deliveries * kinds)?);
            figures["cpuMs"] = each.into();
            figures["residentMib"] = resident_mib(*pid)?.into();
        }
        measured.insert(function.name.clone(), figures);
    }
    let logged: usize = cloud.logs().iter().map(|line| line.text.len() + 1).sum();
    println!(
        "{}",
        json!({"load": load, "starts": starts, "deliveries": deliveries, "logBytes": logged, "functions": measured})
    );
    cloud.stop().await
}

/// Starts a program as Lambda does, ends it, and returns the time until it asked for work.
async fn start(binary: &Path, environment: &BTreeMap<String, String>) -> Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut command = Command::new(binary);
    command.env_clear().envs(environment).env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("failed to start {}", binary.display()))?;
    let mut request = [0; 64];
    let asked = async {
        let (mut connection, _) = listener.accept().await?;
        let length = connection.read(&mut request).await?;
        anyhow::Ok((started.elapsed(), length))
    };
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    let (took, length) = asked.with_context(|| format!("{} asked for no work", binary.display()))??;
    child.kill().await?;
    let request = String::from_utf8_lossy(&request[..length]);
    ensure!(
        request.starts_with("GET /2018-06-01/runtime/invocation/next"),
        "{} asked for {request:?}",
        binary.display()
    );
    Ok(took)
}

/// The environment of a function in a cloud.
fn environment(cloud: &Cloud, function: &FunctionSpec) -> BTreeMap<String, String> {
    let mut environment = cloud.aws_env();
    for (name, value) in &function.env {
        let queues = EVENTS.iter().chain([&COMMANDS]);
        let value = queues.fold(value.clone(), |value, queue| {
            value.replace(&format!("${{queue:{queue}}}"), &cloud.queue_url(queue))
        });
        environment.insert(name.clone(), value);
    }
    let of_lambda = [
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.as_str()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
    ];
    environment.extend(of_lambda.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment
}

/// Sends deliveries of both kinds, one after the other, and waits until the plugins have worked them all off.
async fn warm_up(cloud: &Cloud, deliveries: usize) -> Result<()> {
    let client = reqwest::Client::new();
    let mut bodies = Vec::new();
    for (event, body) in DELIVERIES {
        let mut body: Value = serde_json::from_str(body)?;
        if event == "issue_comment" {
            // What was recorded is a comment on an issue; a pull request is an issue with this.
            body["issue"]["pull_request"] = json!({"url": "https://api.github.com/repos/o/r/pulls/1"});
        }
        bodies.push((event, body.to_string()));
    }
    for number in 0..deliveries {
        for (event, body) in &bodies {
            let answer = client
                .post(format!("{}/hooks/github-app", cloud.gateway()))
                .header("content-type", "application/json")
                .header("x-github-event", *event)
                .header("x-github-delivery", format!("{event}-{number}"))
                .header(
                    "x-hub-signature-256",
                    format!("sha256={}", signature(GITHUB_APP_SECRET, body.as_bytes())),
                )
                .body(body.clone())
                .send()
                .await?;
            ensure!(answer.status() == 202, "{event}: {}, {}", answer.status(), answer.text().await?);
        }
    }
    let drained = async {
        // SQS doesn't notify about an empty queue; this polls, within the limit below.
        while cloud.queue_depth(EVENTS[0]).await? + cloud.queue_depth(EVENTS[1]).await? > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, drained).await.context("the plugins did not work everything off")?
}

/// Our children whose program is in a folder: the program's name, and the process id.
fn processes(folder: &Path) -> Result<BTreeMap<String, u32>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may have ended since, and a stranger's is not ours to read.
        let Ok(program) = fs::read_link(format!("/proc/{pid}/exe")) else { continue };
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        let ours = status.lines().any(|line| line == format!("PPid:\t{}", std::process::id()));
        if let (true, Ok(name)) = (ours, program.strip_prefix(folder)) {
            found.insert(name.display().to_string(), pid);
        }
    }
    ensure!(found.len() == 3, "expected three functions at work: {found:?}");
    Ok(found)
}

/// The processor time of a process and its threads (`schedstat` of `/proc/PID/task`), in steps of nanoseconds.
fn busy(pid: u32) -> Result<Duration> {
    let mut busy = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanoseconds: u64 = text.split_whitespace().next().context("an empty schedstat")?.parse()?;
        busy += nanoseconds;
    }
    Ok(Duration::from_nanos(busy))
}
