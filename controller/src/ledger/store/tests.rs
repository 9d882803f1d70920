use tidegate_model::{CommitSha, GitRef, PullRequestNumber};
use tidegate_rules::{
    ledger::{PullRequest, PullRequestRecord, PullRequestState, RefRecord},
    trust::Rights,
};

use super::*;

fn sha() -> CommitSha {
    "a".repeat(40).parse().expect("a SHA")
}

fn parts_of(ledger: &Ledger) -> Vec<u32> {
    ledger.records().map(|record| part_of(&record)).collect()
}

#[test]
fn a_ledger_comes_back_from_its_parts() {
    let mut ledger = Ledger::default();
    for number in 0..500 {
        let reference: GitRef = format!("refs/heads/b{number}").parse().expect("a branch");
        ledger.refs.insert(
            reference,
            RefRecord { target: Some(sha()), changed_at_ms: number, renewed_at_ms: None, is_due: false },
        );
    }
    let parts = texts(&ledger, &parts_of(&ledger), |_| true).expect("they fit");
    assert!(
        parts.len() > 1 && parts.keys().all(|part| *part < IntegrationLedger::PARTS),
        "{:?}",
        parts.keys()
    );
    let records: Vec<Record<'_>> = parts
        .values()
        .flat_map(|text| serde_json::from_str::<Vec<Record<'_>>>(text).expect("records"))
        .collect();
    let hasher = RandomState::new();
    let hash = |records: &mut dyn Iterator<Item = Record<'_>>, part: u32| {
        records
            .filter(|record| part_of(record) == part)
            .try_fold(EMPTY, |hash, record| with_record(&hasher, hash, &record))
            .expect("a hash")
    };
    for part in parts.keys() {
        let stored = hash(&mut records.iter().cloned(), *part);
        assert_eq!(stored, hash(&mut ledger.records(), *part), "a part that was read is not written again");
        assert_ne!(stored, EMPTY);
    }
    assert_eq!(Ledger::from_records(records), ledger);
}

#[test]
fn a_part_that_does_not_fit_into_an_object_is_refused_before_it_is_sent() {
    let mut ledger = Ledger::default();
    let seen = PullRequest {
        state: PullRequestState::Open,
        head: sha(),
        branch: None,
        base: "main".parse().expect("a branch"),
        mark: Some("x".repeat(IntegrationLedger::MAX_RECORDS)),
        is_draft: false,
        rights: Rights::WithSecrets,
        labels: None,
    };
    let record =
        PullRequestRecord { seen, former_bases: vec![], has_too_many_bases: false, changed_at_ms: 0 };
    ledger.pull_requests.insert(PullRequestNumber(1), record);
    let error = texts(&ledger, &parts_of(&ledger), |_| true).expect_err("too long");
    assert!(matches!(error, LedgerError::Full { length, .. } if length > IntegrationLedger::MAX_RECORDS));
}
