//! The sandbox's cloud, with the functions' real binaries.

use std::{net::IpAddr, path::Path, time::Duration};

use serde_json::json;
use tidegate_sandbox_cloud::{CloudSpec, FunctionSpec, MappingSpec, QueueSpec, RouteSpec};

use super::{
    COMMANDS, DEAD_LETTERS, EVENTS, MASTER_KEY_SECRET, PLUGIN_COMMANDS, PLUGIN_DEAD_LETTERS, secret,
};
use crate::WorldSpec;

/// The cloud as the Terraform module lays it out, on one address, with the functions' programs in one folder.
pub fn cloud(spec: &WorldSpec, address: IpAddr, binaries: &Path) -> CloudSpec {
    let [integrator_events, chatops_events] = EVENTS;
    let queue = |name: &str, visibility, max_receive_count, dead_letter: Option<&str>| QueueSpec {
        name: name.to_owned(),
        visibility: Duration::from_secs(visibility),
        max_receive_count,
        dead_letter: dead_letter.map(str::to_owned),
    };
    let function = |name: &str, env: &[(&str, String)]| FunctionSpec {
        name: name.to_owned(),
        binary: binaries.join(name),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        concurrency: 1,
        timeout: Duration::from_secs(10),
    };
    let routes = json!([
        {"plugin": "integrator", "queueUrl": format!("${{queue:{integrator_events}}}"), "events": ["pull_request", "push"]},
        {"plugin": "chatops", "queueUrl": format!("${{queue:{chatops_events}}}"), "events": ["comment"]},
    ]);
    let commands = || ("TIDEGATE_COMMAND_QUEUE_URL", format!("${{queue:{COMMANDS}}}"));
    CloudSpec {
        address,
        queues: vec![
            queue("tidegate-integrator-events-dead", 60, 1000, None),
            queue("tidegate-chatops-events-dead", 60, 1000, None),
            queue(DEAD_LETTERS, 60, 1000, None),
            queue(integrator_events, 60, 5, Some("tidegate-integrator-events-dead")),
            queue(chatops_events, 60, 5, Some("tidegate-chatops-events-dead")),
            queue(COMMANDS, 90, 1000, Some(DEAD_LETTERS)),
            queue(PLUGIN_DEAD_LETTERS, 60, 1000, None),
            queue(PLUGIN_COMMANDS, 90, 1000, Some(PLUGIN_DEAD_LETTERS)),
        ],
        functions: vec![
            function(
                "tidegate-webhook",
                &[
                    ("TIDEGATE_ROUTES", routes.to_string()),
                    ("TIDEGATE_MASTER_KEY_SECRET", MASTER_KEY_SECRET.to_owned()),
                    ("TIDEGATE_MASTER_KEY_CACHE", spec.master_key_cache.to_owned()),
                ],
            ),
            FunctionSpec {
                binary: binaries.join(spec.integrator),
                ..function("tidegate-integrator", &[commands()])
            },
            function("tidegate-chatops", &[commands()]),
        ],
        routes: vec![RouteSpec {
            key: "POST /hooks/{proxy+}".to_owned(),
            function: "tidegate-webhook".to_owned(),
        }],
        mappings: vec![
            MappingSpec {
                queue: integrator_events.to_owned(),
                function: "tidegate-integrator".to_owned(),
                batch_size: 10,
            },
            MappingSpec {
                queue: chatops_events.to_owned(),
                function: "tidegate-chatops".to_owned(),
                batch_size: 10,
            },
        ],
        secrets: [(MASTER_KEY_SECRET.to_owned(), secret())].into(),
    }
}
