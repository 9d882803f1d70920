//! What one round found out about a config's repository and hook: the only input of the conditions about the host.

use tidegate_resources::WebhookStatus;

use super::{
    dereference::DereferenceError,
    proof::CredentialCheck,
    register::{RegisterError, Registered, Registration, register},
};

/// What a round found out.
#[derive(Debug)]
pub enum Observed {
    /// The hook is registered as it should be.
    Registered(Registered),
    /// The host was not asked.
    NotAsked(DereferenceError),
    /// The host refused, or was unreachable.
    Failed { error: RegisterError, check: CredentialCheck },
}

impl Observed {
    /// What it proves about the credential.
    pub fn check(&self) -> &CredentialCheck {
        match self {
            Self::Registered(_) => &CredentialCheck::Hooks,
            Self::NotAsked(_) => &CredentialCheck::Nothing,
            Self::Failed { check, .. } => check,
        }
    }
}

/// Registers the hook. If the host denies that, asks whether the credential may set statuses.
pub async fn observe(registration: &Registration<'_>, known: &WebhookStatus) -> Observed {
    let error = match register(registration, known).await {
        Ok(registered) => return Observed::Registered(registered),
        Err(error) => error,
    };
    let check = if error.is_denial() {
        let status_right = registration.client.check_status_right().await;
        CredentialCheck::Statuses(status_right.map_err(RegisterError::from))
    } else {
        CredentialCheck::Nothing
    };
    Observed::Failed { error, check }
}
