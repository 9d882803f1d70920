//! `tidegate dlq`: lists a dead-letter queue, and replays its messages.

mod held;
mod letter;

use std::{process::ExitCode, time::SystemTime};

use anyhow::{Context, Result, ensure};
use tidegate_aws::SdkConfig;
use tidegate_queue::Queue;

use self::{held::Held, letter::Letter};

use crate::{console, runtime};

/// Lists dead-letter queues of commands and of events, and replays their messages.
///
/// SQS can't show messages without receiving them: they are hidden for a moment, and their receive count grows.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Lists the messages: id, age, repository, kind, and the reason why they are here.
    List(DeadLetters),
    /// Prints one message as JSON. Of an unreadable message it prints only the error: the message could contain anything.
    Show {
        #[command(flatten)]
        from: DeadLetters,
        /// The message's id.
        id: String,
    },
    /// Sends messages back to the queue they came from, and then deletes them here.
    ///
    /// A message may be sent twice, but is never lost: all messages of Tidegate may be repeated. Exits with 0 if all
    /// requested messages were sent back, with 1 otherwise.
    Replay(Replay),
}

#[derive(clap::Args)]
pub(crate) struct DeadLetters {
    /// The URL of the dead-letter queue.
    #[arg(long, value_name = "URL", env = "TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL")]
    dead_letters: String,
    /// The maximum number of messages to read.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    max: u16,
}

#[derive(clap::Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    from: DeadLetters,
    /// The URL of the queue that the dead letters came from.
    #[arg(long, value_name = "URL", env = "TIDEGATE_COMMAND_QUEUE_URL")]
    to: String,
    /// Ids of messages.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Vec<String>,
    /// All messages that are there now.
    #[arg(long)]
    all: bool,
    /// Send back unreadable messages, too, and accept any queue as --to.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode> {
    let done = runtime::block_on(async {
        let aws = tidegate_aws::load().await?;
        match command {
            Command::List(from) => list(&aws, from).await,
            Command::Show { from, id } => show(&aws, from, id).await,
            Command::Replay(replay) => self::replay(&aws, replay).await,
        }
    })?;
    Ok(match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            console::eprint_line(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    })
}

impl DeadLetters {
    async fn receive(&self, aws: &SdkConfig) -> Result<Held> {
        let held = Held::receive(Queue::new(aws, &self.dead_letters), self.max.into()).await?;
        if held.more {
            console::eprint_line(&format!(
                "there may be more than the {} messages read: see --max",
                self.max
            ));
        }
        Ok(held)
    }
}

async fn list(aws: &SdkConfig, from: &DeadLetters) -> Result<bool> {
    let held = from.receive(aws).await?;
    let now = SystemTime::now();
    let mut rows = vec![["ID", "AGE", "REPOSITORY", "WHAT", "REASON"].map(str::to_owned)];
    rows.extend(held.messages().iter().map(|message| Letter::new(message.clone()).row(now)));
    held.give_back().await;
    console::print_line(&table(&rows))?;
    Ok(true)
}

async fn show(aws: &SdkConfig, from: &DeadLetters, id: &str) -> Result<bool> {
    let held = from.receive(aws).await?;
    let letter = held.messages().iter().find(|message| message.id == id).cloned().map(Letter::new);
    held.give_back().await;
    let letter = letter.with_context(|| format!("there is no message {id}"))?;
    console::print_line(
        &serde_json::to_string_pretty(&letter.show()).context("failed to write the message")?,
    )?;
    Ok(true)
}

async fn replay(aws: &SdkConfig, replay: &Replay) -> Result<bool> {
    let to = Queue::new(aws, &replay.to);
    let name = Queue::new(aws, &replay.from.dead_letters).name().to_owned();
    if !replay.force {
        let theirs = to.dead_letter_queue().await?;
        ensure!(
            theirs.as_deref() == Some(&*name),
            "{name} is not the dead-letter queue of {}, that is {}; set --to, or --force",
            to.name(),
            theirs.as_deref().unwrap_or("none"),
        );
    }
    let mut held = replay.from.receive(aws).await?;
    let chosen: Vec<_> = held.messages().to_vec();
    let mut done = true;
    for id in replay.id.iter().filter(|id| chosen.iter().all(|message| &message.id != *id)) {
        console::eprint_line(&format!("there is no message {id}"));
        done = false;
    }
    let mut sent = 0;
    for message in chosen.into_iter().filter(|message| replay.all || replay.id.contains(&message.id)) {
        let letter = Letter::new(message);
        match send_back(&letter, &to, &mut held, replay.force).await {
            Ok(()) => {
                let [id, _, repository, what, _] = letter.row(SystemTime::now());
                console::print_line(&format!("replayed {id}: {what} {repository}"))?;
                sent += 1;
            }
            Err(error) => {
                console::eprint_line(&format!("failed to replay {}: {error:#}", letter.message.id));
                done = false;
            }
        }
    }
    let left = held.messages().len();
    held.give_back().await;
    console::print_line(&format!("replayed to {}: {sent}, left in {name}: {left}", to.name()))?;
    Ok(done)
}

/// Sends before it deletes: a crash in between repeats the message.
async fn send_back(letter: &Letter, to: &Queue, held: &mut Held, force: bool) -> Result<()> {
    if let Some(why) = letter.unreadable()
        && !force
    {
        anyhow::bail!("it can't be read, and would only come back: {why}");
    }
    to.resend(&letter.message.body, letter.group()).await?;
    held.delete(&letter.message.receipt).await.context("it was sent, but is still here")
}

/// Columns are as wide as their widest cell; the last one isn't padded.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |row: &[String; 5]| {
        let [.., last] = row;
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  "));
        cells.collect::<String>() + last
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
