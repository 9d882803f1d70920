//! The ledger in pieces that can be stored apart.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use tidegate_model::{CommitSha, GitRef, PullRequestNumber};

use super::{
    CommitRecord, Ledger, Looks, PullRequestRecord, RefRecord, TargetKey, TargetRecord, sharing::Sharing,
};

/// One piece of a ledger. Pieces are independent: an object of the cluster holds any number of them. One is smaller than
/// 128 KiB as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Record<'a> {
    /// A branch or tag.
    Ref {
        /// The branch or tag.
        #[serde(rename = "ref")]
        reference: GitRef,
        /// What is remembered of it.
        record: Cow<'a, RefRecord>,
    },
    /// A pull request.
    PullRequest {
        /// Its number.
        number: PullRequestNumber,
        /// What is remembered of it.
        record: Cow<'a, PullRequestRecord>,
    },
    /// A commit.
    Commit {
        /// The commit.
        commit: CommitSha,
        /// What is remembered of it.
        record: Cow<'a, CommitRecord>,
    },
    /// Whether pull requests have to be looked for.
    Looks {
        /// What is remembered of it.
        record: Looks,
    },
    /// The verdicts for one target.
    Target {
        /// The target.
        key: TargetKey,
        /// What is remembered of it.
        record: Cow<'a, TargetRecord>,
    },
}

/// Which piece. Its text is unique within a ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKey {
    /// A branch or tag.
    Ref(GitRef),
    /// A pull request.
    PullRequest(PullRequestNumber),
    /// A commit.
    Commit(CommitSha),
    /// Whether pull requests have to be looked for.
    Looks,
    /// The verdicts for one target.
    Target(TargetKey),
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ref(reference) => write!(f, "ref/{reference}"),
            Self::PullRequest(number) => write!(f, "pull-request/{number}"),
            Self::Commit(commit) => write!(f, "commit/{commit}"),
            Self::Looks => f.write_str("looks"),
            Self::Target(TargetKey { commit, kind, reference }) => {
                write!(f, "target/{commit}/{kind:?}/{reference}")
            }
        }
    }
}

impl Record<'_> {
    /// Which piece it is.
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Ref { reference, .. } => RecordKey::Ref(reference.clone()),
            Self::PullRequest { number, .. } => RecordKey::PullRequest(*number),
            Self::Commit { commit, .. } => RecordKey::Commit(commit.clone()),
            Self::Looks { .. } => RecordKey::Looks,
            Self::Target { key, .. } => RecordKey::Target(key.clone()),
        }
    }
}

impl Ledger {
    /// The ledger in pieces.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let refs = self.refs.iter();
        let refs =
            refs.map(|(name, record)| Record::Ref { reference: name.clone(), record: Cow::Borrowed(record) });
        let pull_requests = self.pull_requests.iter();
        let pull_requests = pull_requests
            .map(|(number, record)| Record::PullRequest { number: *number, record: Cow::Borrowed(record) });
        let commits = self.commits.iter();
        let commits = commits
            .map(|(commit, record)| Record::Commit { commit: commit.clone(), record: Cow::Borrowed(record) });
        let targets = self.targets.iter().flat_map(|(commit, targets)| {
            targets.iter().map(|((kind, reference), record)| {
                let key = TargetKey { commit: commit.clone(), kind: *kind, reference: reference.clone() };
                Record::Target { key, record: Cow::Borrowed(record) }
            })
        });
        let looks = (self.looks != Looks::default()).then_some(Record::Looks { record: self.looks });
        refs.chain(pull_requests).chain(commits).chain(targets).chain(looks)
    }

    /// Puts the pieces together again, in any order.
    pub fn from_records<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Self {
        let (mut ledger, mut sharing) = (Self::default(), Sharing::default());
        for record in records {
            match record {
                Record::Ref { reference, record } => {
                    ledger.refs.insert(reference, record.into_owned());
                }
                Record::PullRequest { number, record } => {
                    ledger.pull_requests.insert(number, record.into_owned());
                }
                Record::Commit { commit, record } => {
                    let mut record = record.into_owned();
                    sharing.commit(&mut record);
                    ledger.commits.insert(commit, record);
                }
                Record::Looks { record } => ledger.looks = record,
                Record::Target { key: TargetKey { commit, kind, reference }, record } => {
                    let mut record = record.into_owned();
                    sharing.target(&mut record);
                    ledger.targets.entry(commit).or_default().insert((kind, reference), record);
                }
            }
        }
        ledger
    }
}

/// A map whose keys are no strings in JSON, as a list of its entries.
pub(super) mod entries {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

    use crate::small_map::SmallMap;

    pub fn serialize<S: Serializer, K: Serialize + Ord, V: Serialize>(
        map: &SmallMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, K: DeserializeOwned + Ord, V: DeserializeOwned>(
        deserializer: D,
    ) -> Result<SmallMap<K, V>, D::Error> {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// A map without values, as a list of its keys.
pub(super) mod keys {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

    use crate::small_map::SmallMap;

    pub fn serialize<S: Serializer, K: Serialize + Ord>(
        map: &SmallMap<K, ()>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.keys())
    }

    pub fn deserialize<'de, D: Deserializer<'de>, K: DeserializeOwned + Ord>(
        deserializer: D,
    ) -> Result<SmallMap<K, ()>, D::Error> {
        Ok(Vec::<K>::deserialize(deserializer)?.into_iter().map(|key| (key, ())).collect())
    }
}
