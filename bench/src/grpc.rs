//! Decisions about permissions, as another process asks for them: one call over gRPC for each.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use prost_types::value::Kind;
use servertree_kernel::remote::wire::CheckPermissionRequest;
use servertree_kernel::remote::wire::authorization_service_client::AuthorizationServiceClient;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::figure::{Size, median, smallest};
use crate::inventory::Programs;
use crate::load::Amount;
use crate::policy::{Policy, Question};
use crate::program::Program;

/// Connections, and calls under way on each of them at once: what two processes of ServerTree have that ask.
const CONNECTIONS: usize = 2;
const CALLS: usize = 32;

/// Where it listens for other processes.
const LISTEN: &[(&str, &str)] = &[("SERVERTREE_AUTHORIZATION__GRPC_LISTEN", "127.0.0.1:0")];

type Client = AuthorizationServiceClient<Channel>;

/// What is asked: one question after the other, without end.
struct Questions {
    policy: Policy,
    next: AtomicUsize,
}

/// Decisions in a second.
#[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 decisions")]
pub async fn grpc(programs: &Programs, size: &Size) -> io::Result<()> {
    let policy = Policy::make(programs, size.policy).await?;
    let mut program = Program::servertree(&programs.servertree, policy.folder.path(), LISTEN);
    let clients = connect(program.grpc_address()).await.map_err(io::Error::other)?;
    let questions = Arc::new(Questions { policy, next: AtomicUsize::new(0) });
    // In full size, so many that almost all users are in its memory.
    ask_all(&clients, &questions, Amount::Requests(size.policy.users * 4)).await?;
    let mut per_second = Vec::new();
    for round in 1..=size.rounds {
        eprintln!("gRPC: round {round} of {} …", size.rounds);
        let since = Instant::now();
        let answered = ask_all(&clients, &questions, Amount::For(size.round)).await?;
        per_second.push(answered as f64 / since.elapsed().as_secs_f64());
    }
    let (median, smallest) = (median(&per_second), smallest(&per_second));
    println!("| CheckPermission over gRPC, calls/s | {median:.0} (smallest {smallest:.0}) | | | ≥ 10000 |");
    Ok(())
}

async fn connect(address: SocketAddr) -> Result<Vec<Client>, tonic::transport::Error> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
        clients.push(Client::new(endpoint.connect().await?));
    }
    Ok(clients)
}

/// How many were answered, all of them right.
async fn ask_all(clients: &[Client], questions: &Arc<Questions>, amount: Amount) -> io::Result<usize> {
    let (since, begun) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for client in clients.iter().cycle().take(CONNECTIONS * CALLS) {
        let begun = Arc::clone(&begun);
        let goes_on = move || match amount {
            Amount::For(duration) => since.elapsed() < duration,
            Amount::Requests(number) => begun.fetch_add(1, Ordering::Relaxed) < number,
        };
        tasks.spawn(ask(client.clone(), Arc::clone(questions), goes_on));
    }
    tasks.join_all().await.into_iter().sum()
}

async fn ask(mut client: Client, questions: Arc<Questions>, goes_on: impl Fn() -> bool) -> io::Result<usize> {
    let mut answered = 0;
    while goes_on() {
        let question = questions.policy.question(questions.next.fetch_add(1, Ordering::Relaxed));
        let allowed = question.allowed;
        let answer = client.check_permission(request(question)).await.map_err(io::Error::other)?.into_inner();
        assert_eq!(answer.allowed, allowed, "a decision is wrong: {}", answer.reason);
        answered += 1;
    }
    Ok(answered)
}

fn request(question: Question) -> CheckPermissionRequest {
    let Question { subject, permission, environment, .. } = question;
    let environment = prost_types::Value { kind: Some(Kind::StringValue(environment)) };
    CheckPermissionRequest {
        subject,
        action: permission.action.to_owned(),
        object: format!("{}:0198c5a6-0000-7000-8000-000000000001", permission.object_type),
        properties: Some(prost_types::Struct { fields: [("environment".to_owned(), environment)].into() }),
    }
}
