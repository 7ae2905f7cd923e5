//! What keeps this service from the broker: that it is away, which passes, or that it refuses, which somebody has to mend.

use std::io;

use lapin::uri::AMQPUri;
use lapin::{Error, ErrorKind};
use servertree_kernel::problem::{INTERNAL, Problem, ProblemType, UNAVAILABLE};
use thiserror::Error;

use super::settings::description;

/// The codes with which a broker says that something is not permitted, not there, or not as it was said to be
/// (<https://www.rabbitmq.com/docs/amqp-0-9-1-protocol>, constants).
const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// What somebody has to mend: the message says how.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    #[error(
        "bus.url: the broker at {broker} does not let this user in: {reason}. Check user and password in bus.url (SERVERTREE_BUS__URL)"
    )]
    LogIn { broker: String, reason: String },
    #[error(
        "bus.url: the broker at {broker} does not let this user into its virtual host: {reason}. Check the end of bus.url \
         (SERVERTREE_BUS__URL), where / is written as %2F; make the virtual host with `rabbitmqctl add_vhost`, and permit it \
         with `rabbitmqctl set_permissions`"
    )]
    VirtualHost { broker: String, reason: String },
    #[error(
        "bus.url: the user lacks a right at {broker}: {reason}. It needs to configure, write and read what is named \
         servertree.* and *.domain_events: `rabbitmqctl set_permissions -p VHOST USER RIGHT RIGHT RIGHT`, with \
         '^(servertree\\..*|.*\\.domain_events)$' as each RIGHT"
    )]
    Right { broker: String, reason: String },
    #[error(
        "bus.url: at {broker} an exchange or queue of ours is there already, but of another kind: {reason}. Delete it, or use \
         another virtual host"
    )]
    Topology { broker: String, reason: String },
    #[error(
        "bus.url: what answers at {broker} is no broker that speaks AMQP 0-9-1: {reason}. Check host and port in bus.url \
         (SERVERTREE_BUS__URL); the port is 5672, or 5671 with amqps"
    )]
    Protocol { broker: String, reason: String },
    #[error(
        "bus.url: the broker at {broker} cannot be trusted: {reason}. Name the file with the certificates of who vouches for it \
         with bus.ca (SERVERTREE_BUS__CA), and in bus.url the host that its certificate is for"
    )]
    Certificate { broker: String, reason: String },
    #[error("bus.ca: the file {file} cannot be used: {reason}")]
    Authorities { file: String, reason: String },
}

/// Why there is no connection.
#[derive(Clone, Debug, Error)]
pub enum Fault {
    #[error(transparent)]
    Refused(Refused),
    #[error("{0}")]
    Away(String),
}

/// The broker did not take events.
#[derive(Debug, Error)]
#[error("the broker takes no events: {reason}")]
pub struct NotTaken {
    reason: String,
    /// It has something against one of them, and will have it the next time, too.
    is_refused: bool,
    /// An exchange is not there, which was.
    pub is_missing: bool,
}

impl NotTaken {
    /// It cannot be reached, or takes nothing right now.
    pub fn away(reason: &str) -> Self {
        Self { reason: reason.to_owned(), is_refused: false, is_missing: false }
    }

    /// It, or we, cannot make a message of an event.
    pub fn refused(reason: String) -> Self {
        Self { reason, is_refused: true, is_missing: false }
    }
}

impl From<Error> for NotTaken {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::ProtocolError(refusal) => refusal.get_id(),
            _ => 0,
        };
        // Too long for the broker, or a right that is asked for by the name of the event.
        let is_refused = [ACCESS_REFUSED, PRECONDITION_FAILED].contains(&code);
        Self { reason: error.to_string(), is_refused, is_missing: code == NOT_FOUND }
    }
}

impl Problem for NotTaken {
    fn problem(&self) -> &'static ProblemType {
        if self.is_refused { &INTERNAL } else { &UNAVAILABLE }
    }
}

impl Fault {
    /// What went wrong while the connection was made.
    pub fn of_connection(error: &Error, uri: &AMQPUri) -> Self {
        let (broker, reason) = (description(uri), error.to_string());
        match error.kind() {
            ErrorKind::ProtocolError(refusal) => match refusal.get_id() {
                ACCESS_REFUSED => Self::Refused(Refused::LogIn { broker, reason }),
                // As many connections as there may be.
                NOT_ALLOWED if reason.contains("limit") => Self::Away(reason),
                NOT_ALLOWED => Self::Refused(Refused::VirtualHost { broker, reason }),
                _ => Self::Away(reason),
            },
            ErrorKind::InvalidProtocolVersion(_) | ErrorKind::ParsingError(_) => {
                Self::Refused(Refused::Protocol { broker, reason })
            }
            // What rustls says of a certificate that it does not accept, and of what is no TLS.
            ErrorKind::IOError(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::Refused(match reason.contains("certificate") {
                    true => Refused::Certificate { broker, reason },
                    false => Refused::Protocol { broker, reason },
                })
            }
            _ => Self::Away(reason),
        }
    }

    /// What went wrong while exchanges and queues were declared.
    pub fn of_topology(error: &Error, uri: &AMQPUri) -> Self {
        let (broker, reason) = (description(uri), error.to_string());
        match error.kind() {
            ErrorKind::ProtocolError(refusal) => match refusal.get_id() {
                ACCESS_REFUSED => Self::Refused(Refused::Right { broker, reason }),
                PRECONDITION_FAILED => Self::Refused(Refused::Topology { broker, reason }),
                _ => Self::Away(reason),
            },
            _ => Self::Away(reason),
        }
    }
}
