//! The ledger driven by histories. `world` plays host, cluster and controller around it. `walks` and `corrections` are
//! histories with what they show; `properties` hold for every `history`, judged by `judge`, which shares no code with the rule.

mod corrections;
mod details;
mod history;
mod judge;
mod looks;
mod properties;
mod walks;
mod world;
