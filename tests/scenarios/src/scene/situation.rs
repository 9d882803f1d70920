//! What is known when a scene fails.

use std::fmt::Debug;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Resource, ResourceExt, api::ListParams};
use serde::{Serialize, de::DeserializeOwned};
use tidegate_resources::{IntegrationJob, PipelineRun, TaskRun};

use super::Scene;
use crate::is_real;

/// How many of the controller's last words are shown.
const LAST_WORDS: usize = 30;

impl Scene {
    /// The statuses of the scene's jobs and of what runs for them, and the controller's last words.
    pub async fn situation(&self) -> String {
        let mut lines = self.statuses_of(|job: &IntegrationJob| job.status.clone()).await;
        lines.extend(self.statuses_of(|run: &PipelineRun| run.status.clone()).await);
        lines.extend(self.statuses_of(|task: &TaskRun| task.status.clone()).await);
        if is_real() {
            lines.extend(self.statuses_of(|pod: &Pod| pod.status.clone()).await);
        }
        lines.push("controller:".to_owned());
        let log = self.world.controller.as_ref().map(crate::Controller::log).unwrap_or_default();
        lines.extend(log.into_iter().rev().take(LAST_WORDS).rev().map(|line| line.text));
        lines.join("\n")
    }

    /// One line an object: its kind, its name and its status.
    async fn statuses_of<K, S>(&self, status: impl Fn(&K) -> Option<S>) -> Vec<String>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
        S: Serialize,
    {
        let api: Api<K> = Api::namespaced(self.world.client.clone(), &self.world.namespace);
        let of = |object: &K| match serde_json::to_string(&status(object)) {
            Ok(status) => format!("{} {}: {status}", K::kind(&()), object.name_any()),
            Err(error) => format!("{} {}: {error}", K::kind(&()), object.name_any()),
        };
        match api.list(&ListParams::default()).await {
            Ok(objects) => objects.iter().map(of).collect(),
            Err(error) => vec![format!("{}: {error}", K::plural(&()))],
        }
    }
}
