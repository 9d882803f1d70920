//! Authentication: a token as it is, or tokens of an App's installation, which the App's key gets and renews.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_model::RepositoryPath;
use tokio::sync::Mutex;

use crate::{
    api::{Credential, HostError, Transport},
    body::lenient,
    v3::Repository,
};

/// What GitHub recommends to accept.
pub(super) const MEDIA_TYPE: &str = "application/vnd.github+json";

/// Sends requests with a credential. Clones share an installation's token.
#[derive(Clone)]
pub(super) struct Authenticated {
    transport: Transport,
    credential: Arc<Bearer>,
}

enum Bearer {
    Nobody,
    Token(HeaderValue),
    Installation(Box<Installation>),
}

/// An App's installation, and its token while that is valid.
struct Installation {
    app_id: u64,
    id: u64,
    key: EncodingKey,
    token: Mutex<Option<InstallationToken>>,
}

struct InstallationToken {
    authorization: HeaderValue,
    expires_at: Timestamp,
}

/// What an App says of itself, signed with its key.
///
/// Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
#[derive(Serialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: u64,
}

impl Authenticated {
    pub(super) fn new(transport: Transport, credential: Credential) -> Result<Self, HostError> {
        let credential = match credential {
            Credential::Token(token) | Credential::TokenOf { token, .. } => Bearer::Token(bearer(&token)?),
            Credential::Anonymous => Bearer::Nobody,
            Credential::GithubApp { app_id, installation_id: id, private_key } => {
                // The decoder's error may show parts of the key.
                let key = EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes())
                    .map_err(|_| HostError::PrivateKey)?;
                Bearer::Installation(Box::new(Installation { app_id, id, key, token: Mutex::default() }))
            }
        };
        Ok(Self { transport, credential: Arc::new(credential) })
    }

    /// Whether an App's installation holds a repository, with the right to set its statuses; `None` where there is no App. GitHub
    /// makes a token of a wanted repository and right, or answers 422.
    ///
    /// Source: <https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>
    pub(super) async fn installation_sets_statuses(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Option<bool>, HostError> {
        #[derive(Deserialize)]
        struct Shown {
            #[serde(default, deserialize_with = "lenient")]
            repositories: Vec<Repository>,
        }
        let Bearer::Installation(installation) = &*self.credential else { return Ok(None) };
        let wanted = json!({ "repositories": [repository.name()], "permissions": { "statuses": "write" } });
        let wanted = Bytes::from(wanted.to_string());
        let answer = installation.ask_for_token(&self.transport, Timestamp::now(), wanted).await?;
        match answer.status() {
            StatusCode::CREATED => {
                let shown: Shown =
                    serde_json::from_slice(answer.body()).map_err(|error| HostError::unreadable(&error))?;
                // The name is looked for in the installation's own account.
                Ok(Some(shown.repositories.iter().any(|shown| shown.full_name.is_same_as(repository))))
            }
            StatusCode::UNPROCESSABLE_ENTITY => Ok(Some(false)),
            status => Err(HostError::from_response(status, answer.headers(), answer.body())),
        }
    }

    /// Sends a request to a path. An installation's token is renewed first where it is about to expire.
    pub(super) async fn send(self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HostError> {
        let authorization = match &*self.credential {
            Bearer::Nobody => None,
            Bearer::Token(value) => Some(value.clone()),
            Bearer::Installation(installation) => Some(installation.authorization(&self.transport).await?),
        };
        if let Some(value) = authorization {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.transport.send(request).await
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticated")
    }
}

impl Installation {
    /// A JWT may be valid for ten minutes at most. GitHub advises to let it begin a minute ago, as clocks differ.
    const JWT_LIFE: Duration = Duration::from_mins(9);
    const CLOCK_DRIFT: Duration = Duration::from_mins(1);
    /// A token that expires sooner is renewed. A call takes less.
    const RESERVE: Duration = Duration::from_mins(1);

    /// The header of the installation's token. Whoever finds none that is valid gets one, and the others wait for it.
    async fn authorization(&self, transport: &Transport) -> Result<HeaderValue, HostError> {
        let mut token = self.token.lock().await;
        let now = Timestamp::now();
        match &*token {
            Some(token) if now + Self::RESERVE < token.expires_at => Ok(token.authorization.clone()),
            _ => {
                let fresh = self.exchange(transport, now).await?;
                Ok(token.insert(fresh).authorization.clone())
            }
        }
    }

    /// Source: <https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>
    async fn exchange(&self, transport: &Transport, now: Timestamp) -> Result<InstallationToken, HostError> {
        #[derive(Deserialize)]
        struct Shown {
            token: SecretString,
            expires_at: Timestamp,
        }
        let answer = self.ask_for_token(transport, now, Bytes::new()).await?;
        if answer.status() != StatusCode::CREATED {
            return Err(HostError::from_response(answer.status(), answer.headers(), answer.body()));
        }
        // serde's error shows no value of a string field.
        let shown: Shown =
            serde_json::from_slice(answer.body()).map_err(|error| HostError::unreadable(&error))?;
        Ok(InstallationToken { authorization: bearer(&shown.token)?, expires_at: shown.expires_at })
    }

    async fn ask_for_token(
        &self,
        transport: &Transport,
        now: Timestamp,
        wanted: Bytes,
    ) -> Result<Response<Bytes>, HostError> {
        let claims = Claims {
            iat: (now - Self::CLOCK_DRIFT).as_second(),
            exp: (now + Self::JWT_LIFE).as_second(),
            iss: self.app_id,
        };
        let jwt = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|_| HostError::PrivateKey)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/app/installations/{}/access_tokens", self.id))
            .header(ACCEPT, MEDIA_TYPE)
            .header(AUTHORIZATION, bearer(&jwt.into())?)
            .body(wanted)
            .map_err(|error| HostError::unreadable(&error))?;
        transport.send(request).await
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, HostError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| HostError::Unauthorized)?;
    value.set_sensitive(true);
    Ok(value)
}
