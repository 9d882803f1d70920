//! Which plugins of others have a command queue, and what each may ask for.

use std::{collections::BTreeSet, str::FromStr};

use serde::Deserialize;
use tidegate_model::{IntentionKind, ObjectName};

/// `TIDEGATE_PLUGIN_QUEUES`: one entry a plugin, as a JSON list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginQueues(Vec<PluginQueue>);

/// A plugin's declaration. The queue is its identity: its policy admits the plugin alone, and what comes from it is held
/// against this.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginQueue {
    /// The plugin's name, for logs and reasons.
    pub plugin: ObjectName,
    /// The queue that it alone puts commands in.
    pub queue_url: String,
    /// The queue that those are moved to that can't be read or are refused for good.
    pub dead_letter_queue_url: String,
    /// What it may ask for.
    pub intentions: BTreeSet<IntentionKind>,
}

/// A declaration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PluginQueuesError {
    /// It is not the JSON that is expected.
    #[error("expected a list of {{plugin, queueUrl, deadLetterQueueUrl, intentions}}: {0}")]
    Malformed(serde_json::Error),
    /// Nobody could tell two of them apart.
    #[error("plugin {0} is there twice")]
    Twice(ObjectName),
    /// Everything that it sends would be refused.
    #[error("plugin {0} has no intentions")]
    Useless(ObjectName),
    /// SQS has no such queue.
    #[error("{field} of plugin {plugin} is {url:?}: expected a queue's URL of its own")]
    Url {
        /// The plugin.
        plugin: ObjectName,
        /// The field.
        field: &'static str,
        /// What it holds.
        url: String,
    },
}

impl PluginQueue {
    /// Why an intention is none that the plugin has declared.
    pub fn refusal(&self, intention: IntentionKind) -> Option<String> {
        if self.intentions.contains(&intention) {
            return None;
        }
        let declared: Vec<_> = self.intentions.iter().map(|kind| kind.as_str()).collect();
        let (plugin, asked) = (&self.plugin, intention.as_str());
        Some(format!("plugin {plugin} may not ask for {asked}: it has declared {}", declared.join(", ")))
    }
}

impl PluginQueues {
    /// The declarations.
    pub fn as_slice(&self) -> &[PluginQueue] {
        &self.0
    }
}

impl FromStr for PluginQueues {
    type Err = PluginQueuesError;

    fn from_str(text: &str) -> Result<Self, PluginQueuesError> {
        let queues: Vec<PluginQueue> = serde_json::from_str(text).map_err(PluginQueuesError::Malformed)?;
        let (mut names, mut urls) = (BTreeSet::new(), BTreeSet::new());
        for queue in &queues {
            let plugin = || queue.plugin.clone();
            if !names.insert(queue.plugin.as_str()) {
                return Err(PluginQueuesError::Twice(plugin()));
            }
            if queue.intentions.is_empty() {
                return Err(PluginQueuesError::Useless(plugin()));
            }
            for (field, url) in
                [("queueUrl", &queue.queue_url), ("deadLetterQueueUrl", &queue.dead_letter_queue_url)]
            {
                let is_url = url.starts_with("https://") || url.starts_with("http://");
                if !is_url || !urls.insert(url) {
                    return Err(PluginQueuesError::Url { plugin: plugin(), field, url: url.clone() });
                }
            }
        }
        Ok(Self(queues))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn queue(plugin: &str) -> Value {
        json!({
            "plugin": plugin, "queueUrl": format!("https://sqs/{plugin}"),
            "deadLetterQueueUrl": format!("https://sqs/{plugin}-dead"), "intentions": ["run_push", "cancel"],
        })
    }

    fn read(queues: &[Value]) -> Result<PluginQueues, PluginQueuesError> {
        json!(queues).to_string().parse()
    }

    #[test]
    fn each_plugin_has_its_queues_and_what_it_may_ask_for() {
        let queues = read(&[queue("audit"), queue("labels")]).expect("two plugins");
        let declared: Vec<_> =
            queues.as_slice().iter().map(|of| (of.plugin.as_str(), of.intentions.len())).collect();
        assert_eq!(declared, [("audit", 2), ("labels", 2)]);
        assert_eq!("[]".parse::<PluginQueues>().expect("none"), PluginQueues::default());
    }

    #[test]
    fn a_plugin_may_ask_for_what_it_declared_and_nothing_else() {
        let queues = read(&[queue("audit")]).expect("one plugin");
        let audit = &queues.as_slice()[0];
        assert_eq!(audit.refusal(IntentionKind::Cancel), None);
        assert_eq!(
            audit.refusal(IntentionKind::RunPullRequest).as_deref(),
            Some("plugin audit may not ask for run_pull_request: it has declared run_push, cancel")
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let with = |field: &str, value: Value| {
            let mut queue = queue("audit");
            queue[field] = value;
            queue
        };
        for (queues, reason) in [
            (vec![queue("audit"), queue("audit")], "plugin audit is there twice"),
            (vec![with("intentions", json!([]))], "plugin audit has no intentions"),
            (vec![with("intentions", json!(["merge"]))], "unknown variant `merge`"),
            (vec![with("queueUrl", json!("audit"))], "queueUrl of plugin audit is \"audit\""),
            (
                vec![with("deadLetterQueueUrl", json!("https://sqs/audit"))],
                "deadLetterQueueUrl of plugin audit is \"https://sqs/audit\"",
            ),
            (vec![with("more", json!(1))], "unknown field `more`"),
        ] {
            let error = read(&queues).expect_err(reason).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
