//! Dispatches a call to the client of its host.

macro_rules! on_host {
    ($self:ident, $client:ident => $call:expr) => {
        match $self {
            $crate::client::HostClient::Github($client) => $call,
            $crate::client::HostClient::Gitlab($client) => $call,
            $crate::client::HostClient::Gitea($client) => $call,
            $crate::client::HostClient::Bitbucket($client) => $call,
        }
    };
}
