//! The forge as its clients see it: through git, the REST API and webhooks.

mod api;
mod bitbucket;
mod faults;
mod git;
mod gitlab;
mod payloads;
mod pull_requests;
mod sink;
mod webhooks;
mod world;
