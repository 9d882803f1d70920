//! Calling the APIs of hosts.
