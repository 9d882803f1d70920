//! What an `IntegrationJob` shows: each job to people (`status_content`), the run to the ledger (`run_facts`). Pure.

pub mod run_facts;
pub mod status_content;
