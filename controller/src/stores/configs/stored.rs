//! A config as the API server stores it. One that can't be read hurts only itself: it must not end the list of all the others.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use tidegate_resources::{GitSpec, IntegrationConfig, IntegrationConfigStatus};

/// A stored `IntegrationConfig`.
#[derive(Debug, Clone)]
pub enum StoredConfig {
    /// Our types read it.
    Readable(Box<IntegrationConfig>),
    /// They don't: it was written under an older CRD, or past the CRD's rules.
    Unreadable(Box<UnreadableConfig>),
}

/// What is known of a config that can't be read.
#[derive(Debug, Clone)]
pub struct UnreadableConfig {
    /// Its name, uid, finalizers.
    pub metadata: ObjectMeta,
    /// The field, and its error.
    pub error: String,
    /// The repository, if at least that can be read.
    pub git: Option<GitSpec>,
    /// What the controller wrote, as far as that can be read.
    pub status: IntegrationConfigStatus,
}

impl StoredConfig {
    /// The config, if it can be read.
    pub fn readable(&self) -> Option<&IntegrationConfig> {
        match self {
            Self::Readable(config) => Some(config),
            Self::Unreadable(_) => None,
        }
    }
}

impl UnreadableConfig {
    /// Its name for logs: namespace/name.
    pub fn display_name(&self) -> String {
        let of = |part: &Option<String>| part.clone().unwrap_or_default();
        format!("{}/{}", of(&self.metadata.namespace), of(&self.metadata.name))
    }
}

impl<'de> Deserialize<'de> for StoredConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let error = match serde_path_to_error::deserialize::<_, IntegrationConfig>(&object) {
            Ok(config) => return Ok(Self::Readable(Box::new(config))),
            Err(error) => error.to_string(),
        };
        // Without metadata it is no object at all.
        let metadata = ObjectMeta::deserialize(&object["metadata"]).map_err(D::Error::custom)?;
        Ok(Self::Unreadable(Box::new(UnreadableConfig {
            metadata,
            error,
            git: GitSpec::deserialize(&object["spec"]["git"]).ok(),
            status: IntegrationConfigStatus::deserialize(&object["status"]).unwrap_or_default(),
        })))
    }
}

impl Resource for StoredConfig {
    type DynamicType = ();
    type Scope = <IntegrationConfig as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        IntegrationConfig::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        IntegrationConfig::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        IntegrationConfig::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        IntegrationConfig::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Readable(config) => config.meta(),
            Self::Unreadable(config) => &config.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Readable(config) => config.meta_mut(),
            Self::Unreadable(config) => &mut config.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(timeout: &str, repository: &str) -> StoredConfig {
        let token = json!({"name": "git", "key": "token"});
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"namespace": "ci", "name": "shop", "finalizers": ["tidegate.dev/webhook"]},
            "spec": {
                "git": {"type": "gitea", "repository": repository, "tokenSecretRef": token},
                "jobs": {}, "timeout": timeout,
            },
            "status": {"webhook": {"salt": "0123456789abcdef", "id": "7"}},
        }))
        .expect("a stored config")
    }

    #[test]
    fn an_unreadable_config_names_its_field_and_keeps_what_can_be_read() {
        let StoredConfig::Unreadable(config) = stored("169h", "acme/shop") else {
            unreachable!("169h was read");
        };
        assert!(config.error.contains("spec.timeout") && config.error.contains("169h"), "{}", config.error);
        assert_eq!(config.display_name(), "ci/shop");
        assert_eq!(config.git.map(|git| git.repository.to_string()).as_deref(), Some("acme/shop"));
        assert_eq!(config.status.webhook.and_then(|webhook| webhook.id).as_deref(), Some("7"));
    }

    #[test]
    fn a_repository_that_cannot_be_read_leaves_the_rest() {
        let config = stored("1h", "acme/..");
        assert!(matches!(&config, StoredConfig::Unreadable(config) if config.git.is_none()), "{config:?}");
        assert_eq!(config.meta().name.as_deref(), Some("shop"));
        assert!(stored("168h", "acme/shop").readable().is_some());
    }
}
