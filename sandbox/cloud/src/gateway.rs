//! An HTTP API of API Gateway v2: routes to Lambda proxy integrations with payload format 2.0.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, request::Parts};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use crate::{
    ACCOUNT,
    function::{Function, InvokeError, request_id},
    server::{self, Answer},
    spec::RouteSpec,
};

/// The largest body, in bytes.
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const MAX_BODY: usize = 10 * 1024 * 1024;
/// How long an integration may take (same source).
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Gateway(Vec<Route>);

struct Route {
    key: String,
    method: String,
    segments: Vec<Segment>,
    function: Arc<Function>,
}

/// In the order of preference.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Variable(String),
    Rest(String),
}

impl Gateway {
    /// `function` finds a function by its name.
    pub(crate) fn new(
        routes: &[RouteSpec],
        function: impl Fn(&str) -> anyhow::Result<Arc<Function>>,
    ) -> anyhow::Result<Self> {
        let route = |spec: &RouteSpec| {
            let (method, path) = spec
                .key
                .split_once(" /")
                .with_context(|| format!("route {:?}: expected METHOD /path", spec.key))?;
            anyhow::Ok(Route {
                key: spec.key.clone(),
                method: method.to_owned(),
                segments: path.split('/').map(Segment::new).collect(),
                function: function(&spec.function)?,
            })
        };
        let mut routes = routes.iter().map(route).collect::<Result<Vec<_>, _>>()?;
        // The first match is the most specific one.
        routes.sort_by(|a, b| (a.method == "ANY", &a.segments).cmp(&(b.method == "ANY", &b.segments)));
        Ok(Self(routes))
    }

    /// Answers one request.
    pub(crate) async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let method = request.method().as_str();
        let path = request.uri().path();
        let Some((route, parameters)) = self.0.iter().find_map(|route| {
            let parameters = route.matches(method, path)?;
            Some((route, parameters))
        }) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let (parts, body) = request.into_parts();
        let Some(body) = server::body(Request::new(body)).await else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        if body.len() > MAX_BODY {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        let event = event(route, &parts, &parameters, &body, peer);
        let error = match tokio::time::timeout(TIMEOUT, route.function.invoke(&event)).await {
            Ok(Ok(payload)) => match response(&payload) {
                Ok(response) => return response,
                Err(error) => InvokeError::Failed(format!("malformed response: {error:#}")),
            },
            Ok(Err(error)) => error,
            Err(_) => InvokeError::TimedOut,
        };
        tracing::warn!(route = route.key, %error, "integration failed");
        match error {
            InvokeError::TooLarge => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long"),
            InvokeError::TimedOut => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            InvokeError::Failed(_) => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
}

impl Segment {
    fn new(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Self::Literal(text.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                None => Self::Variable(name.to_owned()),
                Some(name) => Self::Rest(name.to_owned()),
            },
        }
    }
}

impl Route {
    /// The path parameters, if the request is this route's.
    fn matches(&self, method: &str, path: &str) -> Option<Map<String, Value>> {
        if self.method != "ANY" && self.method != method {
            return None;
        }
        let mut parameters = Map::new();
        let mut rest = Some(path.strip_prefix('/')?);
        for segment in &self.segments {
            let text = rest?;
            let (first, after) = match text.split_once('/') {
                Some((first, after)) => (first, Some(after)),
                None => (text, None),
            };
            rest = after;
            match segment {
                Segment::Literal(literal) if literal == first => {}
                Segment::Variable(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), first.into());
                }
                Segment::Rest(name) if !text.is_empty() => {
                    parameters.insert(name.clone(), text.into());
                    return Some(parameters);
                }
                _ => return None,
            }
        }
        rest.is_none().then_some(parameters)
    }
}

fn event(
    route: &Route,
    parts: &Parts,
    parameters: &Map<String, Value>,
    body: &Bytes,
    peer: SocketAddr,
) -> Value {
    let path = parts.uri.path();
    let headers = joined_headers(&parts.headers);
    let content_type = headers.get("content-type").and_then(Value::as_str);
    let text = std::str::from_utf8(body).ok().filter(|_| content_type.is_some_and(is_text));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "pathParameters": parameters,
        "isBase64Encoded": text.is_none() && !body.is_empty(),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "sandbox",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip().to_string(),
                "userAgent": headers.get("user-agent"),
            },
            "requestId": request_id(),
            "routeKey": route.key,
            "stage": "$default",
            "time": "01/Jan/1970:00:00:00 +0000",
            "timeEpoch": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        },
        "headers": headers,
    });
    if !body.is_empty() {
        event["body"] = text.map_or_else(|| BASE64_STANDARD.encode(body), str::to_owned).into();
    }
    event
}

/// Lowercase names; several values of one name are joined by commas. Nobody here sends cookies, which have a place of
/// their own in the format.
fn joined_headers(headers: &HeaderMap) -> Map<String, Value> {
    let values = |name| {
        let values = headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",")
    };
    headers.keys().map(|name| (name.to_string(), values(name).into())).collect()
}

/// Whether API Gateway passes bodies of this type on as text; all others it encodes.
fn is_text(content_type: &str) -> bool {
    let mime = content_type.split(';').next().unwrap_or_default().trim();
    mime.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&mime)
        || mime.ends_with("+json")
        || mime.ends_with("+xml")
}

fn response(payload: &Bytes) -> anyhow::Result<Answer> {
    let payload: Value = serde_json::from_slice(payload)?;
    let status = payload["statusCode"].as_u64().context("no statusCode")?;
    let mut response = Response::builder().status(u16::try_from(status)?);
    for (name, value) in payload["headers"].as_object().into_iter().flatten() {
        response = response.header(name, value.as_str().context("a header is no string")?);
    }
    let body = payload["body"].as_str().unwrap_or_default();
    let body = if payload["isBase64Encoded"] == true {
        BASE64_STANDARD.decode(body)?
    } else {
        body.to_owned().into_bytes()
    };
    Ok(response.body(Full::new(Bytes::from(body)))?)
}

fn message(status: StatusCode, text: &str) -> Answer {
    server::json(status, &json!({ "message": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(keys: &[&str], method: &str, path: &str) -> Option<(String, Map<String, Value>)> {
        let function = Function::new(crate::FunctionSpec {
            name: "f".into(),
            binary: "f".into(),
            env: std::collections::BTreeMap::new(),
            concurrency: 1,
            timeout: TIMEOUT,
        })
        .0;
        let routes: Vec<_> =
            keys.iter().map(|key| RouteSpec { key: (*key).to_owned(), function: "f".to_owned() }).collect();
        let gateway = Gateway::new(&routes, |_| Ok(Arc::clone(&function))).expect("valid keys");
        let found = gateway.0.iter().find_map(|route| Some((route, route.matches(method, path)?)));
        found.map(|(route, parameters)| (route.key.clone(), parameters))
    }

    #[test]
    fn the_most_specific_route_wins() {
        let keys = ["ANY /{rest+}", "POST /hooks/{proxy+}", "POST /hooks/app", "POST /hooks/{one}"];
        let key = |method, path| find(&keys, method, path).map(|(key, _)| key);
        assert_eq!(key("POST", "/hooks/app").as_deref(), Some("POST /hooks/app"));
        assert_eq!(key("POST", "/hooks/other").as_deref(), Some("POST /hooks/{one}"));
        assert_eq!(key("GET", "/hooks/app").as_deref(), Some("ANY /{rest+}"));
        assert_eq!(key("GET", "/"), None);
        let (key, parameters) = find(&keys, "POST", "/hooks/gitea/ci/shop").expect("a route");
        assert_eq!(key, "POST /hooks/{proxy+}");
        assert_eq!(Value::from(parameters), json!({ "proxy": "gitea/ci/shop" }));
    }

    #[test]
    fn only_text_is_passed_on_as_text() {
        for text in
            ["application/json", "application/json; charset=utf-8", "text/plain", "application/scim+json"]
        {
            assert!(is_text(text), "{text}");
        }
        for binary in ["application/x-www-form-urlencoded", "application/octet-stream", "image/png", ""] {
            assert!(!is_text(binary), "{binary}");
        }
    }
}
