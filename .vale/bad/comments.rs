//! The host is told what the ledger decides.

/// Whether the run goes on.

// The plugin of others has a queue.
