//! Admission of Tidegate's own kinds by their CRDs: pruning, defaults, schema, CEL rules.
//!
//! The schemas are those of the Rust types, from which `crds/` is generated; CRDs that a client applies are stored and
//! shown, but don't change what is admitted.

use std::sync::LazyLock;

use kube::{
    CustomResourceExt,
    core::cel::{CompiledSchema, ErrorKind, Validator, apply_defaults, compile_schema},
};
use serde_json::Value;
use tidegate_resources::{IntegrationConfig, IntegrationJob, IntegrationLedger};

use super::{
    failure::{Cause, Failure},
    schema::{self, Patterns},
    served::Key,
};

pub(crate) static INTEGRATION_CONFIG: LazyLock<Definition> =
    LazyLock::new(Definition::of::<IntegrationConfig>);
pub(crate) static INTEGRATION_JOB: LazyLock<Definition> = LazyLock::new(Definition::of::<IntegrationJob>);
pub(crate) static INTEGRATION_LEDGER: LazyLock<Definition> =
    LazyLock::new(Definition::of::<IntegrationLedger>);

/// A kind's `openAPIV3Schema`, and what is compiled of it once.
pub(crate) struct Definition {
    schema: Value,
    rules: CompiledSchema,
    patterns: Patterns,
}

impl Definition {
    fn of<K: CustomResourceExt>() -> Self {
        let crd = serde_json::to_value(K::crd()).expect("a CRD is plain data");
        let schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        Self { rules: compile_schema(&schema), patterns: Patterns::of(&schema), schema }
    }

    /// Prunes, completes and checks an object. What was wrong before and has not changed is let pass, as Kubernetes does since
    /// 1.30 ("validation ratcheting"): else an object from before a stricter CRD could not even be deleted.
    pub(crate) fn admit(&self, key: &Key, new: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
        schema::prune(&self.schema, new);
        *new = apply_defaults(&self.schema, new);
        let mut causes = schema::check(&self.schema, &self.patterns, new);
        if let Some(old) = old.filter(|_| !causes.is_empty()) {
            let known = schema::check(&self.schema, &self.patterns, old);
            causes.retain(|cause| !known.contains(cause));
        }
        if causes.is_empty() {
            causes = self.broken_rules(new, old);
            if let Some(old) = old.filter(|_| !causes.is_empty()) {
                let known = self.broken_rules(old, None);
                causes.retain(|cause| !known.contains(cause));
            }
        }
        if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(key.resource, &key.name, &causes)) }
    }

    fn broken_rules(&self, new: &Value, old: Option<&Value>) -> Vec<Cause> {
        let broken = Validator::new().validate_compiled(&self.rules, new, old);
        let errors = broken.err().into_iter().flat_map(kube::core::cel::ValidationErrors::into_vec);
        errors
            .map(|error| Cause {
                reason: "FieldValueInvalid",
                field: if error.field_path.is_empty() { "<nil>".to_owned() } else { error.field_path },
                message: match error.kind {
                    ErrorKind::ValidationFailure => format!("Invalid value: {}", error.message),
                    _ => {
                        format!("Invalid value: rule {:?} can't be evaluated: {}", error.rule, error.message)
                    }
                },
            })
            .collect()
    }
}
