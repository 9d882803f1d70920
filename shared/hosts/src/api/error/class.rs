//! The one classification of failed calls.

use http::StatusCode;

use super::HostError;

/// What a failed call means for its caller. Each error has one class, and every decision of a caller reads the class.
///
/// What a caller does with it:
///
/// | class | a commit status | an answer to a comment | the removal of a hook | a command |
/// |---|---|---|---|---|
/// | [`Transient`](Self::Transient) | final if the commit is gone | sent again | tried again | waits for the host |
/// | [`RateLimited`](Self::RateLimited) | sent again | sent again | tried again | waits for the host |
/// | [`Setup`](Self::Setup) | sent again | sent again | tried again | waits for a person |
/// | [`Credential`](Self::Credential) | sent again | sent again | final | waits for a person |
/// | [`Right`](Self::Right) | sent again | final | final | waits for a person |
/// | [`Missing`](Self::Missing) | final if the commit is gone | final | final | tried a few times |
/// | [`Refused`](Self::Refused) | final | final | tried again | tried a few times |
/// | [`Rejected`](Self::Rejected) | final if the commit is gone | final | tried again | tried a few times |
/// | [`Unreadable`](Self::Unreadable) | final if the commit is gone | sent again | tried again | tried a few times |
///
/// A status is state: it is sent until the host takes it or judges it, as a person can repair everything else. Nobody
/// waits for an answer to a comment by the time a right was granted. A hook that can't be removed is left behind, and an
/// Event names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The host, or the way to it, has failed. The same call may succeed later, with nothing changed.
    Transient,
    /// The host wants fewer calls. The same call succeeds later.
    RateLimited,
    /// The host was not called: the operator forbids its address, or the App's private key is no key. A person has to
    /// change a setting, the config or the Secret.
    Setup,
    /// The host denies the credential. A person has to replace it.
    Credential,
    /// The credential lacks the right. A person has to grant it.
    Right,
    /// There is no such object, or the host hides it from this credential.
    Missing,
    /// The host has read this very request and never takes it, or has no such call at all.
    Refused,
    /// The host refused, and its status doesn't show the reason: a conflict, a repository that is archived, a moved
    /// address.
    Rejected,
    /// The host answered with a success that can't be understood. A write may have been carried out.
    Unreadable,
}

impl ErrorClass {
    /// Whether the same call may succeed later, with nothing changed.
    pub const fn is_transient(self) -> bool {
        match self {
            Self::Transient | Self::RateLimited => true,
            Self::Setup
            | Self::Credential
            | Self::Right
            | Self::Missing
            | Self::Refused
            | Self::Rejected
            | Self::Unreadable => false,
        }
    }

    /// Whether the host itself denies the credential, the right, or the view of the object. Another credential may help, so
    /// this one isn't used again before its Secret was read again. No outage, rate limit or odd answer says anything
    /// about a credential.
    pub const fn is_denial(self) -> bool {
        match self {
            Self::Credential | Self::Right | Self::Missing => true,
            Self::Transient
            | Self::RateLimited
            | Self::Setup
            | Self::Refused
            | Self::Rejected
            | Self::Unreadable => false,
        }
    }
}

impl HostError {
    /// What it means for the caller.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Transient,
            Self::RateLimited { .. } => ErrorClass::RateLimited,
            Self::Egress(_) | Self::PrivateKey => ErrorClass::Setup,
            Self::Unauthorized => ErrorClass::Credential,
            Self::Forbidden { .. } | Self::StatusInFork => ErrorClass::Right,
            Self::NotFound => ErrorClass::Missing,
            Self::Rejected { status: StatusCode::UNPROCESSABLE_ENTITY, .. } | Self::Unsupported => {
                ErrorClass::Refused
            }
            Self::Rejected { .. } => ErrorClass::Rejected,
            Self::Unreadable { .. } => ErrorClass::Unreadable,
        }
    }
}
