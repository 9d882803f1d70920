//! What a cloud consists of.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail, ensure};

/// Everything a [`Cloud`](crate::Cloud) starts with.
#[derive(Debug, Clone)]
pub struct CloudSpec {
    /// Where AWS endpoint and gateway listen, on free ports: 127.0.0.1 unless others than this machine's processes use
    /// the cloud.
    pub address: IpAddr,
    /// Standard queues.
    pub queues: Vec<QueueSpec>,
    /// Lambda functions.
    pub functions: Vec<FunctionSpec>,
    /// What the API Gateway passes to which function.
    pub routes: Vec<RouteSpec>,
    /// Which function drains which queue.
    pub mappings: Vec<MappingSpec>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
}

impl Default for CloudSpec {
    /// An empty cloud on 127.0.0.1.
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            queues: vec![],
            functions: vec![],
            routes: vec![],
            mappings: vec![],
            secrets: BTreeMap::new(),
        }
    }
}

/// A queue.
#[derive(Debug, Clone)]
pub struct QueueSpec {
    /// At most 80 letters, digits, `-` and `_`.
    pub name: String,
    /// The visibility timeout, in whole seconds.
    pub visibility: Duration,
    /// How often a message is received before it goes to the dead-letter queue.
    pub max_receive_count: u32,
    /// The dead-letter queue, another queue of this cloud.
    pub dead_letter: Option<String>,
}

/// A function.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// Its name.
    pub name: String,
    /// The executable: a custom runtime's `bootstrap`.
    pub binary: PathBuf,
    /// Its environment, besides what Lambda and [`Cloud::aws_env`](crate::Cloud::aws_env) set. `${queue:NAME}` becomes
    /// that queue's URL.
    pub env: BTreeMap<String, String>,
    /// How many execution environments there are: a process each, from the start.
    pub concurrency: usize,
    /// How long one invocation may take.
    pub timeout: Duration,
}

/// A route of the gateway.
#[derive(Debug, Clone)]
pub struct RouteSpec {
    /// `METHOD /path`, where the method may be `ANY`, a segment may be `{name}`, and the last one `{name+}`.
    pub key: String,
    /// The function's name.
    pub function: String,
}

/// An event source mapping, with partial batch responses.
#[derive(Debug, Clone)]
pub struct MappingSpec {
    /// The queue's name.
    pub queue: String,
    /// The function's name.
    pub function: String,
    /// How many messages one invocation gets, at most 10.
    pub batch_size: u8,
}

impl CloudSpec {
    /// That every name is known and every binary exists.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let queue = |name: &str| {
            ensure!(self.queues.iter().any(|q| q.name == name), "no queue {name}");
            anyhow::Ok(())
        };
        let function = |name: &str| {
            ensure!(self.functions.iter().any(|f| f.name == name), "no function {name}");
            anyhow::Ok(())
        };
        for spec in &self.queues {
            if let Some(name) = &spec.dead_letter {
                queue(name).with_context(|| format!("dead-letter queue of queue {}", spec.name))?;
            }
        }
        for spec in &self.functions {
            ensure!(spec.binary.is_file(), "function {}: no file {}", spec.name, spec.binary.display());
            ensure!(spec.concurrency > 0, "function {}: concurrency 0", spec.name);
        }
        for route in &self.routes {
            function(&route.function).with_context(|| format!("route {}", route.key))?;
        }
        for mapping in &self.mappings {
            queue(&mapping.queue)
                .and_then(|()| function(&mapping.function))
                .with_context(|| format!("mapping {} -> {}", mapping.queue, mapping.function))?;
        }
        Ok(())
    }
}

impl FunctionSpec {
    /// Its own variables, with queue names replaced by URLs.
    pub(crate) fn expanded_env(
        &self,
        url: impl Fn(&str) -> anyhow::Result<String>,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let expand = |(name, value): (&String, &String)| {
            let value = expand(value, &url).with_context(|| format!("function {}: {name}", self.name))?;
            Ok((name.clone(), value))
        };
        self.env.iter().map(expand).collect()
    }
}

fn expand(text: &str, url: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<String> {
    let mut parts = text.split("${queue:");
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once('}') else {
            bail!("${{queue: without }}");
        };
        expanded += &url(name)?;
        expanded += rest;
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_names_become_urls() {
        let url = |name: &str| Ok(format!("http://sqs/{name}"));
        let text = r#"[{"queueUrl":"${queue:a}"},{"queueUrl":"${queue:b}"}]"#;
        assert_eq!(
            expand(text, url).expect("well formed"),
            r#"[{"queueUrl":"http://sqs/a"},{"queueUrl":"http://sqs/b"}]"#
        );
        assert!(expand("${queue:a", url).is_err());
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let spec = CloudSpec {
            mappings: vec![MappingSpec { queue: "events".into(), function: "f".into(), batch_size: 10 }],
            ..CloudSpec::default()
        };
        let error = spec.check().expect_err("there is no such queue");
        assert_eq!(format!("{error:#}"), "mapping events -> f: no queue events");
    }
}
