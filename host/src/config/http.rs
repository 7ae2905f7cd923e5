//! The section `http`: where the service listens, and where it is found.

use std::net::{IpAddr, TcpListener};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    pub address: IpAddr,
    pub port: u16,
    pub body_timeout: u64,
    pub public_url: String,
    pub trusted_proxies: Vec<Network>,
}

/// A network of addresses, or a single one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(pub IpNet);

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let single = || text.parse().map(|address: IpAddr| IpNet::from(address));
        text.parse().or_else(|_| single()).map(Self).map_err(|_| "a network, such as 10.0.0.0/8 or fd00::/8")
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}

impl HttpSettings {
    /// Where browsers find the service: as it is set, else where it listens, by whichever name this machine has for itself.
    pub fn own_origins(&self, listener: &TcpListener) -> Vec<String> {
        if !self.public_url.is_empty() {
            return vec![self.public_url.clone()];
        }
        let Ok(address) = listener.local_addr() else { return Vec::new() };
        let names =
            if address.ip().is_loopback() { ["127.0.0.1", "[::1]", "localhost"].as_slice() } else { &[] };
        let port = address.port();
        let loopback = names.iter().map(|name| format!("http://{name}:{port}"));
        loopback.chain([format!("http://{address}")]).filter_map(|url| origin_of(&url)).collect()
    }
}

/// An origin as browsers send it, or nothing.
pub fn is_origin(url: &str) -> bool {
    url.is_empty() || origin_of(url).is_some_and(|origin| origin == url)
}

/// The origin of a URL of ours, in the one form that browsers send: without a port that goes without saying.
fn origin_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.origin().ascii_serialization())
}
