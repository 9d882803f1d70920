//! What an `IntegrationJob` says: about each job to people (`said`), and as a whole to the ledger (`seen`). Pure.

pub mod said;
pub mod seen;
