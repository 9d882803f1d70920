//! The one place that tells hosts apart.

macro_rules! on_host {
    ($self:ident, $client:ident => $call:expr) => {
        match $self {
            $crate::client::HostClient::Github($client) => $call,
            $crate::client::HostClient::Gitea($client) => $call,
        }
    };
}
