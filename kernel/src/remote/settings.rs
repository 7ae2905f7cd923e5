//! The `authorization` section of the configuration.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tonic::transport::Uri;

/// Characters of a peer secret at least.
const SECRET_LENGTH: usize = 16;

/// Where others may ask who may do what, and where this process asks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The address and port where other processes may ask; port 0 takes any that is free. Empty: nowhere.
    pub grpc_listen: String,
    /// The path of the certificate to show there, with those between it and its root, as PEM.
    pub grpc_certificate: String,
    /// The path of its key, as PEM.
    pub grpc_certificate_key: String,
    /// Where another process answers: `http://host:port` or `https://host:port`. Empty: nowhere.
    pub url: String,
    /// The path of the certificate that vouches for the one there, as PEM. Empty: those that the machine trusts.
    pub ca_certificate: String,
    /// What those who ask and those who answer share.
    pub peer_secret: String,
    /// How long, in milliseconds, an answer may take.
    pub timeout: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grpc_listen: String::new(),
            grpc_certificate: String::new(),
            grpc_certificate_key: String::new(),
            url: String::new(),
            ca_certificate: String::new(),
            peer_secret: String::new(),
            timeout: 1_000,
        }
    }
}

/// Without the secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("grpc_listen", &self.grpc_listen)
            .field("grpc_certificate", &self.grpc_certificate)
            .field("grpc_certificate_key", &self.grpc_certificate_key)
            .field("url", &self.url)
            .field("ca_certificate", &self.ca_certificate)
            .field("peer_secret", &self.shown().peer_secret)
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl Settings {
    /// The same with the secret hidden.
    pub fn shown(&self) -> Self {
        let hidden = if self.peer_secret.is_empty() { "" } else { "***" };
        Self { peer_secret: hidden.to_owned(), ..self.clone() }
    }

    /// Whether the values make sense: the key at fault, and what is allowed.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if !(10..=60_000).contains(&self.timeout) {
            return Err(("timeout", "must be 10 to 60000 milliseconds"));
        }
        let is_visible = |byte: u8| byte.is_ascii_graphic();
        let is_secret = self.peer_secret.len() >= SECRET_LENGTH && self.peer_secret.bytes().all(is_visible);
        if !self.peer_secret.is_empty() && !is_secret {
            return Err(("peer_secret", "must be at least 16 visible ASCII characters, without spaces"));
        }
        self.validate_listening()?;
        self.validate_asking()
    }

    fn validate_listening(&self) -> Result<(), (&'static str, &'static str)> {
        if self.grpc_certificate.is_empty() != self.grpc_certificate_key.is_empty() {
            return Err((
                "grpc_certificate_key",
                "must be given together with grpc_certificate, or not at all",
            ));
        }
        if self.grpc_listen.is_empty() {
            return Ok(());
        }
        let Some(address) = self.grpc_listen() else {
            return Err((
                "grpc_listen",
                "must be an address and a port, such as 127.0.0.1:9090 or [::1]:9090",
            ));
        };
        if address.ip().is_loopback() {
            return Ok(());
        }
        if self.grpc_certificate.is_empty() {
            let fault = "must name a certificate, and grpc_certificate_key its key: other machines can reach grpc_listen";
            return Err(("grpc_certificate", fault));
        }
        if self.peer_secret.is_empty() {
            let fault = "must be at least 16 characters that those who ask have, too: other machines can reach grpc_listen";
            return Err(("peer_secret", fault));
        }
        Ok(())
    }

    fn validate_asking(&self) -> Result<(), (&'static str, &'static str)> {
        if self.url.is_empty() {
            return match self.ca_certificate.as_str() {
                "" => Ok(()),
                _ => {
                    Err(("ca_certificate", "vouches for whoever answers at url, which must be given with it"))
                }
            };
        }
        let Some((scheme, host)) = self.asked() else {
            let fault = "must be scheme, host and port alone, such as https://authorization.example.org:9090";
            return Err(("url", fault));
        };
        if scheme == "http" && !self.ca_certificate.is_empty() {
            return Err(("ca_certificate", "is for a url that begins with https://"));
        }
        if is_loopback(&host) {
            return Ok(());
        }
        if scheme == "http" {
            return Err(("url", "must begin with https:// where it leads to another machine"));
        }
        if self.peer_secret.is_empty() {
            let fault = "must be what the one at url has, at least 16 characters: it is another machine";
            return Err(("peer_secret", fault));
        }
        Ok(())
    }

    /// The scheme and the host of [`Self::url`], if it is sound.
    fn asked(&self) -> Option<(String, String)> {
        let url: Uri = self.url.parse().ok()?;
        let parts = (url.scheme_str()?, url.authority()?);
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
        let (scheme, authority) = parts;
        let is_sound = is_bare && !authority.as_str().contains('@') && !authority.host().is_empty();
        let is_known = matches!(scheme, "http" | "https");
        (is_sound && is_known).then(|| (scheme.to_owned(), authority.host().to_owned()))
    }

    /// Where to listen, if anywhere.
    pub fn grpc_listen(&self) -> Option<SocketAddr> {
        self.grpc_listen.parse().ok()
    }

    /// Whether to ask over TLS.
    pub(super) fn asks_over_tls(&self) -> bool {
        self.asked().is_some_and(|(scheme, _)| scheme == "https")
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    /// The key at fault.
    fn fault(change: impl FnOnce(&mut Settings)) -> Option<&'static str> {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.validate().err().map(|(key, _)| key)
    }

    fn listening(settings: &mut Settings, address: &str, certificate: &str, secret: &str) {
        settings.grpc_listen = address.to_owned();
        settings.grpc_certificate = certificate.to_owned();
        settings.grpc_certificate_key = certificate.to_owned();
        settings.peer_secret = secret.to_owned();
    }

    #[test]
    fn nothing_is_set_by_itself() {
        assert_eq!(fault(|_| {}), None);
    }

    #[test]
    fn other_machines_can_ask_only_over_tls_and_with_a_secret() {
        for (address, certificate, secret, expected) in [
            ("127.0.0.1:0", "", "", None),
            ("[::1]:9090", "", SECRET, None),
            ("0.0.0.0:9090", "cert.pem", SECRET, None),
            ("0.0.0.0:9090", "", SECRET, Some("grpc_certificate")),
            ("[::]:9090", "cert.pem", "", Some("peer_secret")),
            ("10.0.0.1:9090", "cert.pem", "too-short", Some("peer_secret")),
            ("localhost:9090", "", "", Some("grpc_listen")),
            ("127.0.0.1", "", "", Some("grpc_listen")),
        ] {
            let found = fault(|settings| listening(settings, address, certificate, secret));
            assert_eq!(found, expected, "{address} {certificate} {secret}");
        }
        assert_eq!(
            fault(|settings| settings.grpc_certificate = "a.pem".to_owned()),
            Some("grpc_certificate_key")
        );
    }

    #[test]
    fn other_machines_are_asked_only_over_tls_and_with_a_secret() {
        for (url, secret, expected) in [
            ("http://127.0.0.1:9090", "", None),
            ("http://localhost:9090/", "", None),
            ("http://[::1]:9090", "", None),
            ("https://authorization.example.org", SECRET, None),
            ("https://authorization.example.org:9090", "", Some("peer_secret")),
            ("http://authorization.example.org:9090", SECRET, Some("url")),
            ("http://127.0.0.1.example.org:9090", SECRET, Some("url")),
            ("http://user:word@127.0.0.1:9090", "", Some("url")),
            ("http://127.0.0.1:9090/path", "", Some("url")),
            ("ftp://127.0.0.1", "", Some("url")),
            ("127.0.0.1:9090", "", Some("url")),
            ("/", "", Some("url")),
        ] {
            let found = fault(|settings| {
                settings.url = url.to_owned();
                settings.peer_secret = secret.to_owned();
            });
            assert_eq!(found, expected, "{url} {secret}");
        }
        assert_eq!(fault(|settings| settings.ca_certificate = "ca.pem".to_owned()), Some("ca_certificate"));
    }

    #[test]
    fn values_out_of_range_are_named() {
        assert_eq!(fault(|settings| settings.timeout = 9), Some("timeout"));
        assert_eq!(fault(|settings| settings.timeout = 60_001), Some("timeout"));
        assert_eq!(
            fault(|settings| settings.peer_secret = "with a space in it".to_owned()),
            Some("peer_secret")
        );
    }

    #[test]
    fn the_secret_is_not_shown() {
        let settings = Settings { peer_secret: SECRET.to_owned(), ..Settings::default() };
        assert!(!format!("{settings:?} {:?}", settings.shown().peer_secret).contains(SECRET));
        assert_eq!(Settings::default().shown(), Settings::default());
    }
}
