//! Both ends of the wire: a real server on a port of its own, asked by the real clients.

mod asking;
mod serving;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::criteria::Field;
use servertree_kernel::database::Migrations;
use servertree_kernel::glue::inventory;
use servertree_kernel::message::{Account, Caller, Proof};
use servertree_kernel::permission::{
    Audience, Condition, Decisions, Grant, Grants, ObjectType, Permission, PermissionChecker, Question,
    Verdict,
};
use servertree_kernel::plugin::{Context, Registered, Started};
use servertree_kernel::problem::{Failure, Internal, NotFound, Problem, ProblemType, UNAVAILABLE};
use servertree_kernel::remote::{GrpcServer, Peer, Ports, Settings};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SECRET: &str = "a-secret-of-peers";
/// How long anything is waited for.
const DEADLINE: Duration = Duration::from_secs(20);
const READ_RACKS: Permission = Permission::new("read", "rack");
const MOVE_RACKS: Permission = Permission::new("move", "rack");

const FIELDS: &[Field] = &[Field::text("hall", "hall", "hall")];
const OTHER_FIELDS: &[Field] = &[Field::text("colour", "colour", "colour")];

/// Declares what permissions are about here; it is never run.
static RACKS: Context = Context {
    name: "racks",
    summary: "Racks",
    migrations: Migrations { owner: "racks", folder: &include_dir::Dir::new("", &[]) },
    routes: |_| {},
    events: &[],
    subscriptions: &[],
    upcasters: &[],
    problems: &[],
    open: &[],
    objects: &[ObjectType {
        name: "rack",
        actions: &["read", "move"],
        fields: FIELDS,
        audience: Audience::Inventory,
    }],
    sections: &[],
    secrets: &[],
    register: |_, _| {},
};

inventory::submit! { Registered(&RACKS) }

/// Knows a few subjects and tokens; counts and keeps what it is asked.
#[derive(Default)]
struct Authority {
    asked: AtomicUsize,
    questions: Mutex<Vec<Question>>,
    given_up: Arc<Notify>,
}

/// Tells when what it is part of is dropped.
struct GivenUp(Arc<Notify>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("gone fishing")]
struct Away;

impl Problem for Away {
    fn problem(&self) -> &'static ProblemType {
        &UNAVAILABLE
    }
}

impl Authority {
    /// Some subjects have trouble with whatever they are asked about.
    async fn think(&self, subject: &str) -> Result<(), Failure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match subject {
            "away" => Err(Away.into()),
            "broken" => Err(Internal("the password of the database is hunter2".to_owned()).into()),
            "missing" => Err(NotFound.into()),
            "slow" => {
                let _given_up = GivenUp(Arc::clone(&self.given_up));
                std::future::pending().await
            }
            _ => Ok(()),
        }
    }

    fn ports(self: Arc<Self>) -> Ports {
        Ports { decisions: Arc::clone(&self) as _, permissions: Arc::clone(&self) as _, verifier: self }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Decisions for Authority {
    async fn decide(&self, question: &Question) -> Result<Verdict, Failure> {
        self.think(&question.subject).await?;
        self.questions.lock().unwrap().push(question.clone());
        let allowed = question.subject == "ada";
        Ok(Verdict { allowed, reason: if allowed { "granted" } else { "no_grant" }.to_owned() })
    }
}

#[async_trait]
impl PermissionChecker for Authority {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        self.think(caller.subject()).await?;
        let only = |fields, json| Grant {
            role: "some".into(),
            condition: Some(Condition::parse(fields, &json).unwrap()),
        };
        let grants = |permission: &Permission| match caller.subject() {
            "ada" => Grants::everything("all"),
            "bob" if *permission == READ_RACKS => {
                Grants::new(vec![only(FIELDS, json!({"hall": {"in": ["A", "B"]}}))])
            }
            "carol" => Grants::new(vec![
                only(OTHER_FIELDS, json!({"colour": {"eq": "red"}})),
                only(FIELDS, json!({"hall": {"eq": "C"}})),
            ]),
            _ => Grants::none(),
        };
        Ok(permissions.iter().map(grants).collect())
    }
}

const USER: Uuid = Uuid::from_u128(1);
const PROOF: Uuid = Uuid::from_u128(2);

fn account(name: &str, proof: Proof) -> Caller {
    Caller::with_account(name.into(), Account { user: USER, proof, until: None })
}

#[async_trait]
impl TokenVerifier for Authority {
    async fn verify(&self, token: &str) -> Result<Option<Caller>, Failure> {
        self.think(token).await?;
        Ok(match token {
            "of-a-session" => Some(account("ada", Proof::Session(PROOF))),
            "for-programs" => Some(account("ada", Proof::Token(PROOF))),
            "for-reading" => Some(account("ada", Proof::Token(PROOF)).read_only()),
            "without-an-account" => Some(Caller::named("ada")),
            _ => None,
        })
    }
}

/// A server that runs.
struct Server {
    authority: Arc<Authority>,
    address: SocketAddr,
    stop: CancellationToken,
    started: Started,
}

impl Server {
    /// On a port of its own, without a secret.
    async fn start() -> Self {
        Self::start_with(&Settings::default()).await
    }

    async fn start_with(settings: &Settings) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), settings).await
    }

    async fn start_at(address: SocketAddr, settings: &Settings) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let authority = Arc::new(Authority::default());
        let ports = Arc::clone(&authority).ports();
        let stop = CancellationToken::new();
        let started = GrpcServer::new(listener, ports, settings).unwrap().start(stop.clone());
        assert_eq!((started.name, started.address.as_str()), ("gRPC", address.to_string().as_str()));
        Self { authority, address, stop, started }
    }

    /// Asks it without a secret.
    fn peer(&self) -> Peer {
        self.peer_with(&Settings::default())
    }

    fn peer_with(&self, settings: &Settings) -> Peer {
        peer_at(&format!("http://{}", self.address), settings)
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.started.task).await.expect("it does not stop").unwrap();
    }
}

fn peer_at(url: &str, settings: &Settings) -> Peer {
    let settings = Settings { url: url.to_owned(), ..settings.clone() };
    settings.validate().unwrap();
    Peer::of(&settings).unwrap().unwrap()
}

fn with_secret(secret: &str) -> Settings {
    Settings { peer_secret: secret.to_owned(), ..Settings::default() }
}

/// An address where nobody listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
