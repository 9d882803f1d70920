//! Gitea's API.
