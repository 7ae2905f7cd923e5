//! Where a request comes from: the other end of the connection, or, behind proxies that are trusted, what they say.

use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web;
use ipnet::IpNet;

use crate::config::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks of the proxies that are believed. Put it into the app's data.
pub struct TrustedProxies(Vec<IpNet>);

/// The address of the client.
pub fn client_address(request: &ServiceRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    match request.app_data::<web::Data<TrustedProxies>>() {
        Some(trusted) => Some(trusted.client(peer, request.headers())),
        None => Some(peer),
    }
}

impl TrustedProxies {
    /// Those of the settings.
    pub fn new(networks: &[Network]) -> Self {
        Self(networks.iter().map(|network| network.0).collect())
    }

    /// Each proxy adds whom it heard at the end of `X-Forwarded-For`: it is read from there, as long as those who wrote it are
    /// trusted. What comes before may be anybody's invention.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let said: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .map(str::trim)
            .collect();
        let mut client = peer;
        for address in said.into_iter().rev() {
            if !self.0.iter().any(|network| network.contains(&client)) {
                break;
            }
            match parse(address) {
                Some(address) => client = address,
                None => break,
            }
        }
        client
    }
}

/// An address, as proxies write it: with a port, too, and in brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').split(']').next().unwrap_or_default();
    let address =
        bare.parse().ok().or_else(|| text.parse().ok().map(|with_port: std::net::SocketAddr| with_port.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let name = HeaderName::from_static(FORWARDED_FOR);
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        trusted.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn strangers_are_not_believed() {
        assert_eq!(client("198.18.0.1", &["198.18.0.9"]), "198.18.0.1");
        assert_eq!(client("198.18.0.1", &[]), "198.18.0.1");
    }

    #[test]
    fn trusted_proxies_are_believed_and_what_they_pass_on_is_not() {
        assert_eq!(client("10.0.0.1", &["198.18.0.9"]), "198.18.0.9");
        assert_eq!(client("10.0.0.1", &["203.0.113.7, 198.18.0.9"]), "198.18.0.9");
        assert_eq!(client("10.0.0.1", &["203.0.113.7", "198.18.0.9, 10.0.0.2"]), "198.18.0.9");
        assert_eq!(client("fd00::1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["198.18.0.9:80"]), "198.18.0.9");
        assert_eq!(client("10.0.0.1", &["::ffff:198.18.0.9"]), "198.18.0.9");
    }

    #[test]
    fn nonsense_is_nobody() {
        for nonsense in ["", "unknown", "198.18.0.9, what", "a,b,c", "[::1"] {
            let found = client("10.0.0.1", &[nonsense]);
            assert!(["10.0.0.1", "::1"].contains(&found.as_str()), "{nonsense}: {found}");
        }
    }
}
