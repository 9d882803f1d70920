//! A ledger in the cluster: at most 64 objects of at most 256 KiB, each with the records whose keys fall to it.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::{Value, json};
use tidegate_resources::{
    ConfigReference, IntegrationConfig, IntegrationLedger, IntegrationLedgerSpec, digest, label,
};
use tidegate_rules::ledger::{Ledger, Record};
use tidegate_telemetry::field;

use crate::{cluster::Cluster, error_chain};

/// Why a ledger can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The API server refused or was not reached.
    #[error("failed to {operation} IntegrationLedger {name}")]
    Api {
        /// What was tried.
        operation: &'static str,
        /// The object, or the config whose ledger it is.
        name: String,
        /// Why it failed.
        source: kube::Error,
    },
    /// The records of one part no longer fit into an object.
    #[error("part {part} of the ledger has {length} bytes, more than {max}", max = IntegrationLedger::MAX_RECORDS)]
    Full {
        /// The part.
        part: u32,
        /// Its length.
        length: usize,
    },
    /// The records can't be written as JSON.
    #[error("failed to write the records of a ledger as JSON")]
    Json(#[source] serde_json::Error),
    /// The config has no uid: it didn't come from a cluster.
    #[error("the config has no owner reference")]
    NoOwner,
}

/// The objects of one ledger as they were written last.
pub struct Store {
    api: Api<IntegrationLedger>,
    config: IntegrationConfig,
    parts: BTreeMap<u32, Written>,
    /// With a key of its own, so that nobody finds records of the same hash.
    hasher: RandomState,
}

struct Written {
    version: Option<String>,
    /// The hash of its records: they themselves are in the ledger. `None` if one of them could not be read.
    hash: Option<u64>,
}

/// A part that is to be written.
pub struct Changed {
    records: String,
    hash: u64,
}

/// The hash of a part without records.
const EMPTY: u64 = 0;

/// The records of the wanted parts of a ledger, as the text of each part. `parts` has the part of each record.
fn texts(
    ledger: &Ledger,
    parts: &[u32],
    is_wanted: impl Fn(u32) -> bool,
) -> Result<BTreeMap<u32, String>, LedgerError> {
    let mut texts: BTreeMap<u32, String> = BTreeMap::new();
    for (record, &part) in ledger.records().zip(parts) {
        if is_wanted(part) {
            let text = texts.entry(part).or_default();
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&json(&record)?);
        }
    }
    for (part, text) in &mut texts {
        text.push(']');
        if text.len() > IntegrationLedger::MAX_RECORDS {
            return Err(LedgerError::Full { part: *part, length: text.len() });
        }
    }
    Ok(texts)
}

/// The hash of a part with one more record.
fn with_record(hasher: &RandomState, hash: u64, record: &Record<'_>) -> Result<u64, LedgerError> {
    Ok(hasher.hash_one((hash, json(record)?)))
}

fn json(record: &Record<'_>) -> Result<String, LedgerError> {
    serde_json::to_string(record).map_err(LedgerError::Json)
}

fn part_of(record: &Record<'_>) -> u32 {
    let digits = digest(&[&record.key().to_string()]);
    u32::from_str_radix(&digits[..4], 16).unwrap_or_default() % IntegrationLedger::PARTS
}

impl Store {
    /// Reads a config's ledger. A record that can't be read is left out: what it said is found again from runs and host.
    pub async fn load(config: &IntegrationConfig, cluster: &Cluster) -> Result<(Self, Ledger), LedgerError> {
        let api: Api<IntegrationLedger> = cluster.namespaced(&config.namespace().unwrap_or_default());
        let selector = format!("{}={}", label::CONFIG, config.name_any());
        let listed = api.list(&ListParams::default().labels(&selector)).await;
        let listed = listed.map_err(failed("list", &config.name_any()))?;
        let (mut parts, mut records, hasher) = (BTreeMap::new(), Vec::new(), RandomState::new());
        // A config of the same name that was deleted may have left its own.
        let own = listed.items.into_iter().filter(|object| object.spec.config.uid == config.identity());
        for object in own {
            let mut hash = Some(EMPTY);
            match serde_json::from_str::<Records>(&object.spec.records) {
                Ok(Records(read)) => {
                    for record in read {
                        match record {
                            Ok(record) => {
                                hash = hash.map(|hash| with_record(&hasher, hash, &record)).transpose()?;
                                records.push(record);
                            }
                            Err(error) => {
                                hash = None;
                                unreadable(&object, &error);
                            }
                        }
                    }
                }
                Err(error) => {
                    hash = None;
                    unreadable(&object, &error);
                }
            }
            parts.insert(object.spec.part, Written { version: object.resource_version(), hash });
        }
        Ok((Self { api, config: config.clone(), parts, hasher }, Ledger::from_records(records)))
    }

    /// The parts that are not stored as they are. Only of these the text is made: of all, it would take as much memory as the
    /// ledger.
    pub fn changed(&self, ledger: &Ledger) -> Result<BTreeMap<u32, Changed>, LedgerError> {
        let mut hashes: BTreeMap<u32, u64> = self.parts.keys().map(|part| (*part, EMPTY)).collect();
        let mut parts = Vec::new();
        for record in ledger.records() {
            let part = part_of(&record);
            parts.push(part);
            let hash = hashes.entry(part).or_insert(EMPTY);
            *hash = with_record(&self.hasher, *hash, &record)?;
        }
        hashes.retain(|part, hash| self.parts.get(part).is_none_or(|written| written.hash != Some(*hash)));
        if hashes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut texts = texts(ledger, &parts, |part| hashes.contains_key(&part))?;
        let changed = hashes.into_iter().map(|(part, hash)| {
            let records = texts.remove(&part).unwrap_or_else(|| "[]".to_owned());
            (part, Changed { records, hash })
        });
        Ok(changed.collect())
    }

    /// Writes parts.
    pub async fn save(&mut self, changed: BTreeMap<u32, Changed>) -> Result<(), LedgerError> {
        for (part, Changed { records, hash }) in changed {
            let version = self.write(part, &records).await?;
            self.parts.insert(part, Written { version, hash: Some(hash) });
        }
        Ok(())
    }

    async fn write(&self, part: u32, records: &str) -> Result<Option<String>, LedgerError> {
        let name = name_of(&self.config, part);
        if let Some(written) = self.parts.get(&part) {
            let patch =
                json!({"metadata": {"resourceVersion": written.version}, "spec": {"records": records}});
            match self.api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
                Ok(object) => return Ok(object.resource_version()),
                // A person changed or deleted it: this replica leads, so what it remembers is newer.
                Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {}
                Err(source) => return Err(failed("patch", &name)(source)),
            }
        }
        match self.api.create(&PostParams::default(), &self.object(&name, part, records)?).await {
            Ok(object) => return Ok(object.resource_version()),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(source) => return Err(failed("create", &name)(source)),
        }
        let patch = json!({"spec": {"records": records}});
        let patched = self.api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        Ok(patched.map_err(failed("patch", &name))?.resource_version())
    }

    fn object(&self, name: &str, part: u32, records: &str) -> Result<IntegrationLedger, LedgerError> {
        let config = ConfigReference { name: self.config.name_any(), uid: self.config.identity() };
        let mut object =
            IntegrationLedger::new(name, IntegrationLedgerSpec { config, part, records: records.to_owned() });
        object.metadata = ObjectMeta {
            namespace: self.config.namespace(),
            labels: Some([(label::CONFIG.to_owned(), self.config.name_any())].into()),
            owner_references: Some(vec![self.config.controller_owner_ref(&()).ok_or(LedgerError::NoOwner)?]),
            ..object.metadata
        };
        Ok(object)
    }
}

/// Config, the start of its uid's digest, and the part: at most 52 characters.
fn name_of(config: &IntegrationConfig, part: u32) -> String {
    format!("{}-{}-{part}", config.name_any(), &digest(&[&config.identity()])[..8])
}

/// The records of a part. One that can't be read spoils no other. They are read one after the other: as [`Value`]s, all together
/// would take several times their memory.
struct Records(Vec<serde_json::Result<Record<'static>>>);

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneByOne;
        impl<'de> Visitor<'de> for OneByOne {
            type Value = Records;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Records, A::Error> {
                let mut records = Vec::new();
                while let Some(value) = list.next_element::<Value>()? {
                    records.push(serde_json::from_value(value));
                }
                Ok(Records(records))
            }
        }
        deserializer.deserialize_seq(OneByOne)
    }
}

fn unreadable(object: &IntegrationLedger, error: &serde_json::Error) {
    tracing::warn!(
        { field::LEDGER } = object.name_any(),
        { field::ERROR } = error_chain(error),
        "failed to read a record of a ledger"
    );
}

fn failed(operation: &'static str, name: &str) -> impl FnOnce(kube::Error) -> LedgerError {
    let name = name.to_owned();
    move |source| LedgerError::Api { operation, name, source }
}

#[cfg(test)]
mod tests;
