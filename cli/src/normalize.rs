//! `tidegate normalize`: shows the events of a delivery.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_hosts::intake::{Outcome, Unverified};
use tidegate_model::{Event, Host};

use crate::console;

/// Prints the events in a delivery as JSON, one after the other. Reads the body from stdin, and doesn't check the signature.
///
/// Most deliveries hold one event. If Tidegate has no use for the delivery, it prints `null`, and the reason on stderr.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The type of the host: github, gitlab, gitea or bitbucket.
    #[arg(long)]
    host: Host,
    /// A header of the delivery, 'Name: value'. The host's headers for event and delivery id are required.
    #[arg(long = "header", short = 'H', value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue)> {
    let (name, value) = text.split_once(':').ok_or_else(|| anyhow!("expected 'Name: value'"))?;
    Ok((
        name.trim().parse().context("invalid header name")?,
        value.trim().parse().context("invalid header value")?,
    ))
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let headers: HeaderMap = arguments.headers.iter().cloned().collect();
    let body = console::body_from_stdin()?;
    let delivery = Unverified::new(arguments.host, &headers, &body).normalise()?;
    let events: Vec<Option<Event>> = match delivery.outcome {
        Outcome::Events(events) => events.into_iter().map(Some).collect(),
        Outcome::Ignored(reason) => {
            console::eprint_line(&format!("ignored: {}", reason.as_str()));
            vec![None]
        }
    };
    for event in events {
        console::print_line(&serde_json::to_string_pretty(&event).context("failed to write the event")?)?;
    }
    Ok(ExitCode::SUCCESS)
}
