//! What may travel in a queue.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tidegate_model::{Command, Event, Host, RepositoryPath};

/// The size of a message, and of all messages of one batch together, in bytes. SQS allows 1 MiB since August 2025;
/// 256 KiB is what every queue allows, however old its settings are.
pub const MAX_BYTES: usize = 256 * 1024;

/// The body of an envelope: it concerns one repository.
pub trait Payload: Serialize + DeserializeOwned {
    /// The repository.
    fn repository(&self) -> &RepositoryPath;
}

impl Payload for Event {
    fn repository(&self) -> &RepositoryPath {
        Self::repository(self)
    }
}

impl Payload for Command {
    fn repository(&self) -> &RepositoryPath {
        &self.repository
    }
}

/// The message group of a repository: 64 hexadecimal digits. Hosts compare paths without case, so this does too.
///
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>
pub fn group_id(host: Host, repository: &RepositoryPath) -> String {
    let mut digest = Sha256::new();
    digest.update(host.as_str());
    digest.update([0]);
    digest.update(repository.as_str().to_ascii_lowercase());
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_a_repository_of_a_host_whatever_the_case() {
        let path = |text: &str| text.parse::<RepositoryPath>().expect("valid path");
        let group = group_id(Host::Gitea, &path("acme/shop"));
        assert_eq!(group.len(), 64);
        assert_eq!(group, group_id(Host::Gitea, &path("Acme/Shop")));
        assert_ne!(group, group_id(Host::Github, &path("acme/shop")));
        assert_ne!(group, group_id(Host::Gitea, &path("acme/shop2")));
    }
}
