//! Secrets Manager: `GetSecretValue` and `PutSecretValue`.
//!
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    ACCOUNT, REGION,
    server::{self, Answer},
};

/// The prefix of the service's targets in the header `x-amz-target`.
pub(crate) const TARGET: &str = "secretsmanager.";

/// Secrets by name, each with the number of its newest version.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Mutex<BTreeMap<String, (u64, String)>>);

impl Secrets {
    pub(crate) fn put(&self, name: &str, value: String) -> u64 {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let version = secrets.get(name).map_or(1, |(version, _)| version + 1);
        secrets.insert(name.to_owned(), (version, value));
        version
    }

    fn get(&self, name: &str) -> Option<(u64, String)> {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.get(name).cloned()
    }

    /// Answers an operation; `target` is without [`TARGET`].
    pub(crate) fn handle(&self, target: &str, body: &Bytes) -> Answer {
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = input["SecretId"].as_str().unwrap_or_default();
        let prefix = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:");
        let name = id.strip_prefix(&prefix).unwrap_or(id);
        let refused = |kind: &str, message: &str| {
            server::json(StatusCode::BAD_REQUEST, &json!({ "__type": kind, "Message": message }))
        };
        let Some((version, value)) = self.get(name) else {
            return refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
        };
        let mut output =
            json!({ "ARN": format!("{prefix}{name}"), "Name": name, "VersionStages": ["AWSCURRENT"] });
        match target {
            "GetSecretValue" => {
                output["SecretString"] = value.into();
                output["VersionId"] = version_id(version);
            }
            "PutSecretValue" => {
                let Some(value) = input["SecretString"].as_str() else {
                    return refused("InvalidParameterException", "You must provide SecretString.");
                };
                output["VersionId"] = version_id(self.put(name, value.to_owned()));
            }
            other => {
                return refused("UnknownOperationException", &format!("the sandbox doesn't serve {other}"));
            }
        }
        server::json(StatusCode::OK, &output)
    }
}

fn version_id(version: u64) -> Value {
    format!("00000000-0000-4000-8000-{version:012x}").into()
}
