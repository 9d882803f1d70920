//! Authentication by octocrab, which also gets and renews the tokens of an App.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use octocrab::{
    AuthState, Octocrab, OctocrabBuilder,
    auth::{AppAuth, EncodingKey},
    models::{AppId, InstallationId},
};
use secrecy::ExposeSecret;
use tower::service_fn;

use crate::client::{Credential, HostError, Transport};

/// octocrab with this credential, over the guarded transport.
pub(super) fn authenticated(transport: Transport, credential: Credential) -> Result<Octocrab, HostError> {
    let service = service_fn(move |request: Request<octocrab::OctoBody>| {
        let transport = transport.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(HostError::unavailable)?.to_bytes();
            let answer = transport.send(Request::from_parts(parts, body)).await?;
            Ok::<_, HostError>(answer.map(Full::new))
        }
    });
    let (auth, installation) = match credential {
        Credential::Token(token) => (AuthState::AccessToken { token }, None),
        Credential::Anonymous => (AuthState::None, None),
        Credential::GithubApp { app_id, installation_id, private_key } => {
            // The decoder's error may show parts of the key.
            let key = EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes())
                .map_err(|_| HostError::PrivateKey)?;
            (AuthState::App(AppAuth { app_id: AppId(app_id), key }), Some(InstallationId(installation_id)))
        }
    };
    let Ok(octocrab) = OctocrabBuilder::new_empty().with_service(service).with_auth(auth).build();
    match installation {
        Some(id) => octocrab.installation(id).map_err(fold),
        None => Ok(octocrab),
    }
}

/// Sends a request to a path, authenticated.
pub(super) async fn send(
    octocrab: Arc<Octocrab>,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HostError> {
    let (parts, body) = octocrab.execute(request).await.map_err(fold)?.into_parts();
    let body = body.collect().await.map_err(fold)?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

/// octocrab fails by itself only while it gets an App's token; what the transport says passes through it.
fn fold(error: octocrab::Error) -> HostError {
    match error {
        octocrab::Error::Service { source, .. } => {
            source.downcast().map_or_else(HostError::unavailable, |error| *error)
        }
        octocrab::Error::GitHub { source, .. } => {
            let headers = source.headers.unwrap_or_default();
            HostError::of_answer(source.status_code, &headers, source.message.as_bytes())
        }
        octocrab::Error::JWT { .. } => HostError::PrivateKey,
        other => HostError::unreadable(&other),
    }
}
