//! The `bus` section of the configuration.

use std::fmt;

use lapin::uri::AMQPUri;
use serde::{Deserialize, Serialize};
use url::Url;

/// Seconds between two signs of life: after twice as long a connection that nobody hears on is given up.
const HEARTBEAT: u16 = 5;

/// Milliseconds in which a connection is made, or not.
const CONNECT_WITHIN: u64 = 5_000;

/// What a URL can say after its `?`.
const PARAMETERS: [&str; 5] =
    ["auth_mechanism", "channel_max", "connection_timeout", "frame_max", "heartbeat"];

/// What it must look like.
const EXAMPLE: &str =
    "amqp://USER:PASSWORD@rabbitmq.example.org:5672/%2F (with the virtual host at its end, / written as %2F)";

/// How events get to other services, and theirs here.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The broker. Empty: there is none, events stay in this service.
    pub url: String,
    /// A file with the certificates, in PEM, of those who may vouch for the broker, beside the machine's own.
    pub ca: String,
    /// Whether an event that nobody is bound for waits until somebody is.
    pub hold_unroutable: bool,
}

/// The URL has a password in it.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ca, hold_unroutable, .. } = self;
        f.debug_struct("Settings")
            .field("ca", ca)
            .field("hold_unroutable", hold_unroutable)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Whether the values make sense: the key at fault, and what is wrong with it.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        self.uri().map(drop).map_err(|fault| ("url", fault))?;
        if !self.ca.is_empty() && !self.url.starts_with("amqps://") {
            return Err((
                "ca",
                "needs bus.url to begin with amqps://: without TLS nobody has to be vouched for".to_owned(),
            ));
        }
        Ok(())
    }

    /// The broker, if there is one.
    pub fn uri(&self) -> Result<Option<AMQPUri>, String> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let malformed = |fault: &str| format!("{fault}: it must be like {EXAMPLE}");
        let url = Url::parse(&self.url).map_err(|error| malformed(&format!("is no URL ({error})")))?;
        if !["amqp", "amqps"].contains(&url.scheme()) {
            return Err(malformed("must begin with amqp:// or amqps://"));
        }
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| malformed("names no host"))?;
        // Not named: it may be part of a password.
        if url.query_pairs().any(|(name, _)| !PARAMETERS.contains(&name.as_ref())) {
            let known = PARAMETERS.join(", ");
            return Err(format!(
                "has an unknown parameter after its ?; there are {known}. A ? in user or password is written as %3F"
            ));
        }
        let mut uri: AMQPUri =
            self.url.parse().map_err(|fault: String| malformed(&format!("is not understood ({fault})")))?;
        // Where the host is an address of IPv6, its brackets belong to the URL.
        uri.authority.host = host.trim_matches(['[', ']']).to_owned();
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        uri.query.connection_timeout.get_or_insert(CONNECT_WITHIN);
        Ok(Some(uri))
    }
}

/// The broker as people may see it: without user and password.
pub fn description(uri: &AMQPUri) -> String {
    let (scheme, host, port) = (&uri.scheme, &uri.authority.host, uri.authority.port);
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    format!("{scheme}://{host}:{port}, virtual host '{}'", uri.vhost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(url: &str) -> Result<AMQPUri, String> {
        let settings = Settings { url: url.to_owned(), ..Settings::default() };
        settings.uri().map(|uri| uri.expect("a broker"))
    }

    #[test]
    fn what_a_url_says_is_understood() {
        let broker = uri("amqps://st:p%40ss@mq.example.org/inventory?heartbeat=30").unwrap();
        assert_eq!(broker.authority.userinfo.password, "p@ss");
        assert_eq!(
            (broker.authority.port, broker.vhost.as_str(), broker.query.heartbeat),
            (5671, "inventory", Some(30))
        );
        assert_eq!(uri("amqp://mq").unwrap().vhost, "/");
        assert_eq!(uri("amqp://[::1]:5673").unwrap().authority.host, "::1");
        assert_eq!(
            description(&uri("amqp://st:secret@[::1]").unwrap()),
            "amqp://[::1]:5672, virtual host '/'"
        );
        assert_eq!(Settings::default().uri(), Ok(None));
    }

    #[test]
    fn a_url_that_is_none_is_refused_with_what_it_must_be() {
        for (url, fault) in [
            ("rabbitmq.example.org", "is no URL"),
            ("http://mq:5672", "must begin with amqp:// or amqps://"),
            ("amqp:///", "names no host"),
            ("amqp://mq?heartbeat=often", "is not understood"),
            ("amqp://mq?verify=none", "has an unknown parameter"),
        ] {
            let found = uri(url).unwrap_err();
            assert!(found.contains(fault), "{url}: {found}");
            assert!(!found.contains("secret"), "{found}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let settings = Settings { url: "amqp://st:secret@mq".to_owned(), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
