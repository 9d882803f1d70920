//! GitHub's API.
