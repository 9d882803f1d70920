//! `tidegate rotate-webhook-key`: replaces the master key without losing a delivery.
//!
//! announce → wait until functions and controller know the new key → switch → wait until every hook is registered under it → retire.
//! The secret contains the state of a rotation: the command can be stopped at any step, and run again.

mod hooks;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use kube::Client;
use secrecy::SecretString;
use tidegate_hosts::hook::MasterKey;
use tidegate_keys::{
    SecretStore,
    rotation::{Stage, StoredKeys},
};
use tidegate_model::{ObjectName, Timeout};

use self::hooks::Hooks;

use crate::{console, runtime};

/// Replaces the webhook master key: deliveries verify under both keys until every hook is registered under the new one.
///
/// You can stop it at any point and run it again: it continues from the state in the secret. Exits with 0 if the old key
/// is retired, with 1 if not, with 2 for invalid arguments.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The secret of AWS Secrets Manager that holds the keys: a name or an ARN.
    #[arg(long, env = "TIDEGATE_MASTER_KEY_SECRET")]
    secret: String,
    /// The namespaces whose configs the controller serves, separated by commas. Default: all.
    #[arg(long, env = "TIDEGATE_NAMESPACES", value_delimiter = ',')]
    namespaces: Vec<ObjectName>,
    /// How long functions and controller cache the keys: the longest of their settings.
    #[arg(long, env = "TIDEGATE_MASTER_KEY_CACHE", default_value = "5m")]
    cache: Timeout,
    /// How long to wait for the hooks to be registered under the new key.
    #[arg(long, default_value = "30m")]
    patience: Timeout,
    /// Retire the old key even if hooks are still registered under it: their deliveries are refused until they are registered again.
    #[arg(long)]
    force: bool,
    /// Change nothing; print the state of a rotation, and the next steps.
    #[arg(long)]
    dry_run: bool,
}

/// The maximum duration of a read that began before the secret was changed.
const MARGIN: Duration = Duration::from_secs(5);
/// How long deliveries that the old key signed may still be under way after the last hooks were registered again; at most
/// one cache period.
const UNDER_WAY: Duration = Duration::from_mins(1);
/// How often the configs are read.
const LOOK: Duration = Duration::from_secs(1);
/// How many configs are named in one line.
const NAMED: usize = 10;

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    match runtime::block_on(rotate(arguments))? {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            console::eprint_line(&format!("{error:#}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

struct Rotation<'a> {
    arguments: &'a Arguments,
    store: SecretStore,
    client: Client,
}

async fn rotate(arguments: &Arguments) -> Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed before"))?;
    let aws = tidegate_aws::load().await?;
    let client = hooks::client().await?;
    let rotation = Rotation { arguments, store: SecretStore::new(&aws, &arguments.secret), client };
    let stored = rotation.read().await?;
    if arguments.dry_run {
        return rotation.explain(&stored).await;
    }
    // Read the cluster before anything is changed: without it the progress of the hooks is unknown.
    hooks::configs(&rotation.client, &arguments.namespaces).await?;
    let announced = match stored.stage() {
        Stage::Settled => rotation.announce(stored).await?,
        Stage::Announced | Stage::Switched => stored,
    };
    let switched = match announced.stage() {
        Stage::Announced => rotation.switch(announced).await?,
        Stage::Settled | Stage::Switched => announced,
    };
    rotation.retire(switched).await
}

impl Rotation<'_> {
    async fn read(&self) -> Result<StoredKeys> {
        let text = self.store.text().await?;
        StoredKeys::parse(&text).with_context(|| format!("failed to use secret {}", self.arguments.secret))
    }

    /// Replaces the secret's text. It isn't read back: a read right after a write may return the old text.
    async fn put(&self, text: &SecretString) -> Result<StoredKeys> {
        let stored = StoredKeys::parse(text).context("failed to create the new text of the secret")?;
        self.store.put(text).await?;
        Ok(stored)
    }

    /// Reads the secret again, and stops if somebody else has changed it.
    async fn read_again(&self, stage: Stage, newest: &str) -> Result<StoredKeys> {
        let stored = self.read().await?;
        ensure!(
            stored.stage() == stage && newest_key(&stored) == newest,
            "the secret was changed by somebody else meanwhile; run this command again to continue"
        );
        Ok(stored)
    }

    /// From now on a function verifies deliveries under the new key, too, as soon as it has read the secret.
    async fn announce(&self, stored: StoredKeys) -> Result<StoredKeys> {
        let old = stored.keys().current().id();
        let key = SecretString::from(hex::encode(rand::random::<[u8; 32]>()));
        let text = stored.announce(&key);
        let announced = self.put(&text).await?;
        let new = newest_key(&announced);
        console::print_line(&format!("1/4 announced key {new} beside {old}: deliveries verify under both"))?;
        Ok(announced)
    }

    async fn switch(&self, stored: StoredKeys) -> Result<StoredKeys> {
        let (old, new) = (stored.keys().current().id(), newest_key(&stored));
        let wait = self.cache_period();
        console::print_line(&format!(
            "2/4 waiting {} s: then every function knows key {new}",
            wait.as_secs()
        ))?;
        tokio::time::sleep(wait).await;
        let stored = self.read_again(Stage::Announced, &new).await?;
        let switched = self.put(&stored.switch()).await?;
        console::print_line(&format!(
            "3/4 made {new} the current key: hooks are registered under it, {old} still verifies"
        ))?;
        Ok(switched)
    }

    async fn retire(&self, stored: StoredKeys) -> Result<()> {
        let new = stored.keys().current().id();
        let old = stored.keys().previous().map(MasterKey::id).unwrap_or_default();
        self.wait_for_hooks(&new).await?;
        let stored = self.read_again(Stage::Switched, &new).await?;
        self.put(&stored.retire()).await?;
        let cache = self.arguments.cache;
        console::print_line(&format!(
            "4/4 retired key {old}: within {cache} nothing verifies under it any more"
        ))
    }

    /// Waits until every hook has been registered under the key for a while, and at least until the controller has certainly
    /// read it: until then it could register a new config's hook under the old key.
    async fn wait_for_hooks(&self, key: &str) -> Result<()> {
        let start = Instant::now();
        let patience = self.arguments.patience.as_duration().max(self.cache_period());
        let under_way = UNDER_WAY.min(self.arguments.cache.as_duration());
        let (mut shown, mut complete) = (None, None);
        loop {
            let looked = self.hooks(key).await;
            let waited = start.elapsed();
            if let Ok(hooks) = &looked {
                let progress = (hooks.missing.len(), hooks.all);
                if shown != Some(progress) {
                    console::print_line(&format!(
                        "    {} of {} hooks are registered under {key}",
                        hooks.all - progress.0,
                        hooks.all
                    ))?;
                    shown = Some(progress);
                }
                complete = hooks.missing.is_empty().then(|| complete.unwrap_or(waited));
            }
            if complete.is_some_and(|since| waited >= since + under_way) && waited >= self.cache_period() {
                return Ok(());
            }
            if complete.is_none() && waited >= patience {
                return self.give_up(&looked?);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn give_up(&self, hooks: &Hooks) -> Result<()> {
        let (count, names) = (hooks.missing.len(), named(&hooks.missing));
        if self.arguments.force {
            console::print_line(&format!(
                "    retiring the old key although {count} hooks are still registered under it: {names}"
            ))?;
            return Ok(());
        }
        bail!(
            "{count} of {} hooks are not registered under the new key after {}: {names}; both keys still verify. \
             Correct or delete these configs and run this command again, or add --force",
            hooks.all,
            self.arguments.patience,
        )
    }

    async fn hooks(&self, key: &str) -> Result<Hooks> {
        let configs = hooks::configs(&self.client, &self.arguments.namespaces).await?;
        Ok(Hooks::under(key, &configs))
    }

    /// After this time functions and controller have read the present secret.
    fn cache_period(&self) -> Duration {
        self.arguments.cache.as_duration() + MARGIN
    }

    async fn explain(&self, stored: &StoredKeys) -> Result<()> {
        let keys = stored.keys();
        let current = keys.current().id();
        let hooks = self.hooks(&current).await?;
        let wait = self.cache_period().as_secs();
        console::print_line(&format!(
            "current key: {current}, {} of {} hooks are registered under it",
            hooks.all - hooks.missing.len(),
            hooks.all
        ))?;
        if !hooks.missing.is_empty() {
            console::print_line(&format!("not under it: {}", named(&hooks.missing)))?;
        }
        console::print_line(&match (stored.stage(), keys.previous()) {
            (Stage::Settled, _) => "no rotation is in progress: would announce a new key".to_owned(),
            (Stage::Announced, _) => format!("key {} is announced", newest_key(stored)),
            (Stage::Switched, previous) => {
                format!("key {} still verifies", previous.map(MasterKey::id).unwrap_or_default())
            }
        })?;
        if stored.stage() != Stage::Switched {
            console::print_line(&format!("would wait {wait} s, then make the new key the current one"))?;
        }
        console::print_line(&format!(
            "would wait for {} hooks (at least {wait} s, at most {}), then retire the old key",
            hooks.all, self.arguments.patience
        ))
    }
}

/// The id of the newest key of a rotation.
fn newest_key(stored: &StoredKeys) -> String {
    let keys = stored.keys();
    keys.next().unwrap_or(keys.current()).id()
}

fn named(missing: &[String]) -> String {
    let names = missing.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match missing.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}
