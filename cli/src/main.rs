//! `tidegate`: the command line for users and operators. Each subcommand is a module.

mod dlq;
mod lint;
mod normalize;
mod retest;
mod rotate;
mod send;

use std::{
    io::{Read, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand, error::ErrorKind};

/// CI for Git repositories on Kubernetes: tools for users and operators.
#[derive(Parser)]
#[command(name = "tidegate", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(subcommand)]
    Dlq(dlq::Command),
    Lint(lint::Arguments),
    Normalize(normalize::Arguments),
    Retest(retest::Arguments),
    RotateWebhookKey(rotate::Arguments),
    Send(send::Arguments),
}

/// The exit code for invalid input or arguments.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let result = match arguments.command {
        Command::Dlq(command) => dlq::run(&command),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Normalize(arguments) => normalize::run(&arguments),
        Command::Retest(arguments) => retest::run(&arguments),
        Command::RotateWebhookKey(arguments) => rotate::run(&arguments),
        Command::Send(arguments) => send::run(arguments),
    };
    result.unwrap_or_else(|error| {
        // One line: causes can contain line breaks.
        complain(&format!("{error:#}"));
        ExitCode::from(BAD_INPUT)
    })
}

/// Prints the requested help, or one line about invalid arguments.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => {}
    }
    let text = error.to_string();
    let what = text.split("\n\n").next().unwrap_or(&text);
    complain(what.trim_start_matches("error: "));
    ExitCode::from(BAD_INPUT)
}

/// Writes one line to stderr. A write error is dropped: there is no other place to report it.
fn complain(text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    drop(writeln!(std::io::stderr(), "tidegate: {}", words.join(" ")));
}

/// Writes a result to stdout.
fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("failed to write to stdout")
}

/// Runs a future to its end.
fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.context("failed to start")?.block_on(future))
}

/// Reads a delivery's body from stdin, up to the size limit of hosts.
fn body_from_stdin() -> Result<Vec<u8>> {
    const MAX_BODY: u64 = 25 * 1024 * 1024;
    let mut body = Vec::new();
    std::io::stdin()
        .take(MAX_BODY + 1)
        .read_to_end(&mut body)
        .context("failed to read the body from stdin")?;
    ensure!(body.len() as u64 <= MAX_BODY, "failed to read the body from stdin: it is longer than 25 MiB");
    Ok(body)
}
