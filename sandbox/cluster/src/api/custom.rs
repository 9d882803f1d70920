//! Admission of Tidegate's own kinds by their CRDs: pruning, defaults, schema, CEL rules.
//!
//! The schemas are those of the Rust types, from which `crds/` is generated; CRDs that a client applies are stored and
//! shown, but don't change what is admitted.

use std::sync::LazyLock;

use kube::{
    CustomResourceExt,
    core::cel::{ErrorKind, Validator, apply_defaults},
};
use serde_json::Value;
use tidegate_resources::{IntegrationConfig, IntegrationJob};

use super::{
    failure::{Cause, Failure},
    schema,
    served::Key,
};

pub(crate) static INTEGRATION_CONFIG: LazyLock<Definition> =
    LazyLock::new(Definition::of::<IntegrationConfig>);
pub(crate) static INTEGRATION_JOB: LazyLock<Definition> = LazyLock::new(Definition::of::<IntegrationJob>);

/// A kind's `openAPIV3Schema`.
pub(crate) struct Definition {
    schema: Value,
}

impl Definition {
    fn of<K: CustomResourceExt>() -> Self {
        let crd = serde_json::to_value(K::crd()).expect("a CRD is plain data");
        let schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        Self { schema }
    }

    /// Prunes, completes and checks an object.
    pub(crate) fn admit(&self, key: &Key, new: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
        schema::prune(&self.schema, new);
        *new = apply_defaults(&self.schema, new);
        let mut causes = schema::check(&self.schema, new);
        if causes.is_empty()
            && let Err(errors) = Validator::new().validate(&self.schema, new, old)
        {
            causes.extend(errors.into_vec().into_iter().map(|error| Cause {
                reason: "FieldValueInvalid",
                field: if error.field_path.is_empty() { "<nil>".to_owned() } else { error.field_path },
                message: match error.kind {
                    ErrorKind::ValidationFailure => format!("Invalid value: {}", error.message),
                    _ => {
                        format!("Invalid value: rule {:?} can't be evaluated: {}", error.rule, error.message)
                    }
                },
            }));
        }
        if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(key.resource, &key.name, &causes)) }
    }
}
