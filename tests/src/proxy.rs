//! A network that can fail: a proxy between the service and a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the network does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// It carries everything.
    Up,
    /// It carries nothing, and says so to nobody: connections stay open, also new ones.
    Silent,
    /// It carries everything, each piece so much later.
    Slow(Duration),
    /// It breaks what is open, and refuses what is new.
    Down,
}

impl Network {
    fn carries(self) -> bool {
        matches!(self, Self::Up | Self::Slow(_))
    }
}

/// What the network does, and how often it broke: whoever looks late still sees that it did.
type State = (Network, u64);

/// A proxy on a port of loopback. It ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    network: Arc<watch::Sender<State>>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// To a server at `host:port`.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let network = Arc::new(watch::Sender::new((Network::Up, 0)));
        let mut task = JoinSet::new();
        task.spawn(accept(listener, server.to_owned(), Arc::clone(&network)));
        Self { address, network, _task: task }
    }

    /// Where it listens: `127.0.0.1:…`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on the network is like this.
    pub fn is(&self, network: Network) {
        self.network.send_modify(|(now, broke)| {
            *now = network;
            *broke += u64::from(network == Network::Down);
        });
    }
}

async fn accept(listener: TcpListener, server: String, network: Arc<watch::Sender<State>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        if network.borrow().0 != Network::Down {
            connections.spawn(carry(client, server.clone(), network.subscribe()));
        }
    }
}

/// Until one of the two has enough, or the network breaks.
async fn carry(client: TcpStream, server: String, mut network: watch::Receiver<State>) {
    let is_over = network.wait_for(|(network, _)| network.carries()).await.is_err();
    if is_over {
        return;
    }
    let (_, before) = *network.borrow();
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let [there, back] = [network.clone(), network.clone()];
    tokio::select! {
        () = pass(&mut from_client, &mut to_server, there) => {}
        () = pass(&mut from_server, &mut to_client, back) => {}
        _ = network.wait_for(|(_, broke)| *broke != before) => {}
    }
}

async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut network: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let state = network.wait_for(|(network, _)| network.carries()).await.map(|state| state.0);
        let Ok(state) = state else { return };
        if let Network::Slow(delay) = state {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
