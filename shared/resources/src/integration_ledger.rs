//! `IntegrationLedger`: a part of what the controller remembers of one config's repository (ADR 32).

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ConfigReference, schema::structural};

/// A part of what the controller remembers of one config's repository. The controller makes it and alone reads it; deleting it
/// makes the controller forget that part.
#[derive(CustomResource, JsonSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "tidegate.dev",
    version = "v1alpha1",
    kind = "IntegrationLedger",
    plural = "integrationledgers",
    shortname = "il",
    category = "tidegate",
    namespaced,
    derive = "PartialEq",
    doc = "A part of what the controller remembers of one config's repository.",
    printcolumn(name = "Config", type_ = "string", json_path = ".spec.config.name"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct IntegrationLedgerSpec {
    /// The config whose repository it is about.
    pub config: ConfigReference,
    /// Which part.
    #[schemars(range(min = 0, max = 63))]
    pub part: u32,
    /// The records of this part, as a JSON list.
    #[schemars(length(max = 262_144))]
    pub records: String,
}

impl IntegrationLedger {
    /// How many parts a ledger has at most. A record's key says which part it belongs to.
    pub const PARTS: u32 = 64;
    /// The longest text of one part, in bytes.
    pub const MAX_RECORDS: usize = 262_144;
}
