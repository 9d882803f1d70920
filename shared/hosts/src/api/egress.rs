//! Which addresses may be called: the URLs come from configs, and a config's author must not reach into the cluster.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses may be called: https to public addresses, and what the operator lists.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    listed: Arc<[Listed]>,
}

#[derive(Debug)]
struct Listed {
    /// In small letters, an IPv6 address without brackets.
    host: String,
    /// `None` stands for every port.
    port: Option<u16>,
}

impl EgressPolicy {
    /// A policy that also allows these hosts, each written `host` or `host:port`, although they are private or speak plain
    /// HTTP.
    pub fn new(listed: impl IntoIterator<Item = String>) -> Self {
        Self { listed: listed.into_iter().map(|text| Listed::read(&text)).collect() }
    }

    /// Checks what a URL shows by itself. What its name resolves to is checked when it is called.
    pub fn check(&self, url: &Url) -> Result<(), EgressError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::UserInfo);
        }
        let host = url.host().ok_or(EgressError::NoHost)?;
        let name = bare(&host.to_string());
        let port = url.port_or_known_default();
        let mut ports =
            self.listed.iter().filter(|listed| listed.host == name).map(|listed| listed.port).peekable();
        if ports.peek().is_some() {
            return if ports.any(|listed| listed.is_none() || listed == port) {
                Ok(())
            } else {
                Err(EgressError::Port { host: name })
            };
        }
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        if address.is_some_and(|address| !is_public(address)) {
            Err(EgressError::NotPublic { host: name })
        } else if url.scheme() == "https" {
            Ok(())
        } else {
            Err(EgressError::NotHttps)
        }
    }

    /// Whether the operator lists the host of a URL, with its port.
    pub fn lists(&self, url: &str) -> bool {
        let Ok(url) = url.parse::<Url>() else { return false };
        let Some(host) = url.host() else { return false };
        let (name, port) = (bare(&host.to_string()), url.port_or_known_default());
        let is_it = |listed: &Listed| listed.host == name && (listed.port.is_none() || listed.port == port);
        self.listed.iter().any(is_it)
    }

    fn check_resolved(&self, name: &str, addresses: &[SocketAddr]) -> Result<(), EgressError> {
        let host = bare(name);
        let is_listed = self.listed.iter().any(|listed| listed.host == host);
        if is_listed || addresses.iter().all(|address| is_public(address.ip())) {
            Ok(())
        } else {
            Err(EgressError::NotPublic { host })
        }
    }
}

impl Listed {
    fn read(text: &str) -> Self {
        let text = text.trim();
        let with_port = text
            .rsplit_once(':')
            .filter(|(host, _)| host.starts_with('[') || !host.contains(':'))
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match with_port {
            Some((host, port)) => Self { host: bare(host), port: Some(port) },
            None => Self { host: bare(text), port: None },
        }
    }
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Why an address may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// It is no address at all.
    #[error("the URL is invalid")]
    Url(#[from] url::ParseError),
    /// It names no host.
    #[error("the URL names no host")]
    NoHost,
    /// It holds a user name or password.
    #[error("the URL holds a user name or password")]
    UserInfo,
    /// It is not encrypted, and its host is not listed.
    #[error("the URL is not https")]
    NotHttps,
    /// The host is listed, but not with that port.
    #[error("{host} is allowed with other ports only")]
    Port {
        /// The host.
        host: String,
    },
    /// The host is, or resolves to, an address that is not public.
    #[error("{host} is not a public address")]
    NotPublic {
        /// The host.
        host: String,
    },
}

/// Resolves names for the client, so that the addresses that are checked are those that are called.
pub(crate) struct GuardedResolver(pub(crate) EgressPolicy);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            policy.check_resolved(name.as_str(), &addresses)?;
            let addresses: reqwest::dns::Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address is reachable from everywhere on the internet.
///
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let is_special = match octets {
        // This network, shared address space of carriers, protocol assignments, 6to4 relays, benchmarks, and from 224 on
        // multicast and what is reserved.
        [0 | 224..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [198, second, ..] => second & 0xfe == 18,
        _ => false,
    };
    // The address of cloud metadata, 169.254.169.254, is link-local.
    !(is_special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments with Teredo, documentation, and 6to4, which wraps IPv4 addresses.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Every other global address is in 2000::/3.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests;
