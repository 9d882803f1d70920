//! `tidegate`: the command line for users and operators. Each subcommand is a module.

mod console;
mod dlq;
mod lint;
mod normalize;
mod retest;
mod rotate;
mod runtime;
mod send;

use std::process::ExitCode;

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
        console::eprint_line(&format!("{error:#}"));
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
    console::eprint_line(what.trim_start_matches("error: "));
    ExitCode::from(BAD_INPUT)
}
