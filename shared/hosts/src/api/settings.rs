//! Who calls, and how.

use std::time::Duration;

use secrecy::SecretString;

use super::egress::EgressPolicy;

/// Who calls.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A personal, project or bot token.
    Token(SecretString),
    /// A token that says whose it is only together with the owner's e-mail address: an API token of Bitbucket. On other hosts it
    /// is a token like any other.
    TokenOf {
        /// The address.
        email: SecretString,
        /// The token.
        token: SecretString,
    },
    /// An installed GitHub App. Other hosts have none: there it is refused like a wrong token.
    GithubApp {
        /// The App's id.
        app_id: u64,
        /// The id of its installation.
        installation_id: u64,
        /// The App's RSA key in PEM format.
        private_key: SecretString,
    },
    /// Nobody.
    Anonymous,
}

/// How a client calls.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// How long one attempt may take, from the first byte sent to the last byte read.
    pub timeout: Duration,
    /// Which addresses may be called.
    pub egress: EgressPolicy,
}
