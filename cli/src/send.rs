//! `tidegate send`: signs and sends a delivery as its host does.

use std::{
    path::PathBuf,
    process::{self, ExitCode},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use reqwest::{Client, Url, redirect::Policy};
use secrecy::SecretString;
use tidegate_hosts::{hook::HookLabel, intake::signed_headers};
use tidegate_model::{DeliveryId, Host};

use crate::{console, runtime};

/// Signs the body on stdin, posts it to a hook's URL and prints the status line of the answer.
///
/// Exits with 0 if the delivery was accepted (2xx), with 1 if not.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The type of the host: github, gitlab, gitea or bitbucket.
    #[arg(long)]
    host: Host,
    /// The hook's URL.
    #[arg(long)]
    url: Url,
    #[command(flatten)]
    secret: Secret,
    /// The host's name of the event, like `pull_request`.
    #[arg(long)]
    event: String,
    /// The delivery's id. By default a new one.
    #[arg(long)]
    delivery: Option<DeliveryId>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Secret {
    /// The hook's secret. Other users of this machine may see it; prefer --secret-file.
    #[arg(long)]
    secret: Option<SecretString>,
    /// A file with the hook's secret; surrounding white space is removed.
    #[arg(long)]
    secret_file: Option<PathBuf>,
}

const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let Secret { secret, secret_file } = arguments.secret;
    let secret = match (secret, secret_file) {
        (Some(secret), _) => secret,
        (None, Some(path)) => std::fs::read_to_string(&path)
            .with_context(|| format!("failed to read the secret from {}", path.display()))?
            .trim()
            .into(),
        (None, None) => anyhow::bail!("--secret or --secret-file is needed"),
    };
    let delivery = match arguments.delivery {
        Some(delivery) => delivery,
        None => new_delivery_id()?,
    };
    let body = console::body_from_stdin()?;
    let label = HookLabel::for_host(arguments.host);
    let headers = signed_headers(label, &arguments.event, &delivery, &body, &secret, SystemTime::now())
        .with_context(|| format!("event {:?} isn't valid in a header", arguments.event))?;
    let client = Client::builder()
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .build()
        .context("failed to set up the HTTP client")?;
    let request = client.post(arguments.url).headers(headers).body(body);
    let request = request.build().context("failed to build the request")?;

    match runtime::block_on(async { client.execute(request).await })? {
        Ok(answer) => {
            let (version, status) = (answer.version(), answer.status());
            console::print_line(&format!("{version:?} {status}"))?;
            Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            let error = anyhow::Error::new(error).context("failed to send the delivery");
            console::eprint_line(&format!("{error:#}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A unique id: hosts use UUIDs, but any unique text works.
fn new_delivery_id() -> Result<DeliveryId> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let id = format!("tidegate-{:x}-{:x}", now.as_nanos(), process::id());
    id.parse().context("failed to create a delivery id")
}
