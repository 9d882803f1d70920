//! What the event behind an act proves.

/// What an event proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventProof {
    /// The host sent it: it was signed by the App's secret, or under a salt of the config that counts.
    Signed,
    /// Nothing: a third-party plugin may say anything, an older function sends no salt, and the salt of an earlier config of the
    /// same name is not known any more.
    Unsigned,
    /// It was signed under a salt that counts no more: by a hook that is gone, or by whoever knows its secret.
    OtherSalt,
}
