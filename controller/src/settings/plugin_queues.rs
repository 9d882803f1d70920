//! The third-party plugins that have a command queue, and the intentions that each may send.

use std::{collections::BTreeSet, str::FromStr};

use serde::Deserialize;
use tidegate_model::{IntentionKind, ObjectName};

use super::base_url::base_url;

/// `TIDEGATE_PLUGIN_QUEUES`: one entry a plugin, as a JSON list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginQueues(Vec<PluginQueue>);

/// A plugin's declaration. The queue is its identity: only the plugin may send to it, and its commands are checked against
/// this.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginQueue {
    /// The plugin's name, for logs and reasons.
    pub plugin: ObjectName,
    /// The queue that only this plugin sends commands to.
    pub queue_url: String,
    /// The queue for commands that are unreadable or refused for good.
    pub dead_letter_queue_url: String,
    /// The intentions that it may send.
    pub intentions: BTreeSet<IntentionKind>,
}

/// An invalid declaration.
#[derive(Debug, thiserror::Error)]
pub enum PluginQueuesError {
    /// It is not the expected JSON.
    #[error("expected a list of {{plugin, queueUrl, deadLetterQueueUrl, intentions}}: {field}: {reason}")]
    Malformed {
        /// The path, like `[0].intentions[1]`; `.` is the whole list.
        field: String,
        /// The error there.
        reason: serde_json::Error,
    },
    /// A name must identify one plugin.
    #[error("plugin {0} is there twice")]
    Twice(ObjectName),
    /// All its commands would be refused.
    #[error("plugin {0} has no intentions")]
    Useless(ObjectName),
    /// It isn't a queue URL, or is used twice.
    #[error("{field} of plugin {plugin} is {url:?}: expected the URL of a queue that nobody else has")]
    Url {
        /// The plugin.
        plugin: ObjectName,
        /// The field.
        field: &'static str,
        /// Its value.
        url: String,
    },
}

impl PluginQueue {
    /// Its queues, by the names of their fields.
    fn urls(&self) -> [(&'static str, &str); 2] {
        [("queueUrl", &self.queue_url), ("deadLetterQueueUrl", &self.dead_letter_queue_url)]
    }

    fn bad_url(&self, field: &'static str, url: &str) -> PluginQueuesError {
        PluginQueuesError::Url { plugin: self.plugin.clone(), field, url: url.to_owned() }
    }

    /// Why the plugin may not send an intention: it isn't declared.
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

    /// Fails if a plugin has one of our own queues: its declaration would not be enforced there.
    pub fn check_apart_from(&self, ours: [&str; 2]) -> Result<(), PluginQueuesError> {
        let urls = self.0.iter().flat_map(|queue| queue.urls().map(|(field, url)| (queue, field, url)));
        for (queue, field, url) in urls {
            if ours.contains(&url) {
                return Err(queue.bad_url(field, url));
            }
        }
        Ok(())
    }
}

impl FromStr for PluginQueues {
    type Err = PluginQueuesError;

    fn from_str(text: &str) -> Result<Self, PluginQueuesError> {
        let malformed = |field, reason| PluginQueuesError::Malformed { field, reason };
        let mut json = serde_json::Deserializer::from_str(text);
        let queues: Vec<PluginQueue> = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| malformed(error.path().to_string(), error.into_inner()))?;
        json.end().map_err(|error| malformed(".".to_owned(), error))?;
        let (mut names, mut urls) = (BTreeSet::new(), BTreeSet::new());
        for queue in &queues {
            let plugin = || queue.plugin.clone();
            if !names.insert(queue.plugin.as_str()) {
                return Err(PluginQueuesError::Twice(plugin()));
            }
            if queue.intentions.is_empty() {
                return Err(PluginQueuesError::Useless(plugin()));
            }
            for (field, url) in queue.urls() {
                if base_url(url).as_deref() != Ok(url) || !urls.insert(url) {
                    return Err(queue.bad_url(field, url));
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
    fn each_plugin_has_its_queues_and_intentions() {
        let queues = read(&[queue("audit"), queue("labels")]).expect("two plugins");
        let declared: Vec<_> =
            queues.as_slice().iter().map(|of| (of.plugin.as_str(), of.intentions.len())).collect();
        assert_eq!(declared, [("audit", 2), ("labels", 2)]);
        assert_eq!("[]".parse::<PluginQueues>().expect("none"), PluginQueues::default());
    }

    #[test]
    fn a_plugin_may_send_only_the_intentions_that_it_declared() {
        let queues = read(&[queue("audit")]).expect("one plugin");
        let audit = &queues.as_slice()[0];
        assert_eq!(audit.refusal(IntentionKind::Cancel), None);
        assert_eq!(
            audit.refusal(IntentionKind::RunPullRequest).as_deref(),
            Some("plugin audit may not ask for run_pull_request: it has declared run_push, cancel")
        );
    }

    #[test]
    fn an_invalid_entry_is_named() {
        let with = |field: &str, value: Value| {
            let mut queue = queue("audit");
            queue[field] = value;
            queue
        };
        for (queues, reason) in [
            (vec![queue("audit"), queue("audit")], "plugin audit is there twice"),
            (vec![with("intentions", json!([]))], "plugin audit has no intentions"),
            (
                vec![queue("labels"), with("intentions", json!(["cancel", "merge"]))],
                "[1].intentions[1]: unknown variant `merge`, expected one of `run_pull_request`, `run_push`",
            ),
            (vec![with("plugin", json!("Audit"))], "[0].plugin: object name \"Audit\""),
            (vec![with("queueUrl", json!("audit"))], "queueUrl of plugin audit is \"audit\""),
            (vec![with("queueUrl", json!("https://"))], "queueUrl of plugin audit is \"https://\""),
            (
                vec![queue("labels"), with("queueUrl", json!("https://sqs/labels"))],
                "queueUrl of plugin audit is \"https://sqs/labels\"",
            ),
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

    #[test]
    fn a_plugin_has_none_of_our_queues() {
        let queues = read(&[queue("labels"), queue("audit")]).expect("two plugins");
        assert!(queues.check_apart_from(["https://sqs/commands", "https://sqs/dead"]).is_ok());
        for (ours, field) in [
            (["https://sqs/audit", "https://sqs/dead"], "queueUrl of plugin audit"),
            (["https://sqs/commands", "https://sqs/audit-dead"], "deadLetterQueueUrl of plugin audit"),
        ] {
            let error = queues.check_apart_from(ours).expect_err(field).to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}
