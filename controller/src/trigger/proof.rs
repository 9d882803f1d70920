//! What the event behind an act proves.

/// What an event proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventProof {
    /// The host sent it: it was signed by the App's secret, or under a valid salt of the config.
    Signed,
    /// Nothing: a third-party plugin may claim anything, an older function sends no salt, and the salt of an earlier config of
    /// the same name is unknown by now.
    Unsigned,
    /// It was signed under a salt that is no longer valid: by a deleted hook, or by somebody who knows its secret.
    OtherSalt,
}
