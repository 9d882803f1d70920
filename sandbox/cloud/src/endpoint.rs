//! The one AWS endpoint: a header names the service.

use std::sync::Arc;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use crate::{
    secrets::{self, Secrets},
    server::{self, Answer},
    sqs::Sqs,
};

/// Answers one request of the SDK.
pub(crate) async fn handle(request: Request<Incoming>, sqs: Arc<Sqs>, secrets: Arc<Secrets>) -> Answer {
    let headers = request.headers().clone();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let Some(body) = server::body(request).await else {
        return server::json(StatusCode::BAD_REQUEST, &json!({ "__type": "IncompleteBody" }));
    };
    match target.and_then(|target| target.strip_prefix(secrets::TARGET)) {
        Some(operation) => secrets.handle(operation, &body),
        None => sqs.handle(&headers, body).await,
    }
}
