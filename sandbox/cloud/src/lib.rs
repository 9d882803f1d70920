//! A small AWS in one process: SQS and Secrets Manager behind one endpoint that the unchanged SDK talks to, Lambda
//! functions that are the real binaries, event source mappings between the two, and an API Gateway in front.
//!
//! Queues are standard ones. Nothing is signed, nothing survives [`Cloud::stop`].

mod cloud;
mod endpoint;
mod environment;
mod function;
mod gateway;
mod logs;
mod mapping;
mod message;
mod runtime_api;
mod secrets;
mod server;
mod spec;
mod sqs;

pub use cloud::Cloud;
pub use logs::LogLine;
pub use message::QueuedMessage;
pub use spec::{CloudSpec, FunctionSpec, MappingSpec, QueueSpec, RouteSpec};

/// The region of all resources.
const REGION: &str = "us-east-1";
/// The account that everything belongs to.
const ACCOUNT: &str = "000000000000";
