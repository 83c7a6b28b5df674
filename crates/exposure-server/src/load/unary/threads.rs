use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::Endpoint;

use super::caller::Caller;
use super::exchange;
use super::session::{PATH, Session};
use crate::client::{ApiKey, unreachable};
use crate::failure::{Failure, Result};
use crate::load::http2::Heads;
use crate::load::pace::Pace;
use crate::load::run::join;
use crate::load::source::{Plan, Source};
use crate::load::tally::Tally;

/// What callers have in common.
#[derive(Clone, Copy, Debug)]
pub(in crate::load) struct Callers<'a> {
    pub(in crate::load) endpoint: &'a Endpoint,
    /// Taken in turn.
    pub(in crate::load) keys: &'a [ApiKey],
    pub(in crate::load) plan: &'a Arc<Plan>,
    /// Events of a batch.
    pub(in crate::load) n_events: usize,
    pub(in crate::load) library: &'static str,
    pub(in crate::load) n_connections: usize,
    pub(in crate::load) n_threads: usize,
}

const CONNECT: Duration = Duration::from_secs(5);
const USER_AGENT: &str = concat!("exposure-cli/", env!("CARGO_PKG_VERSION"));

/// Connects, and has callers of these numbers and paces make their calls, spread over the
/// connections, and these over threads.
pub(in crate::load) async fn spawn(
    all: Callers<'_>,
    paces: impl Iterator<Item = (u64, Pace)>,
    epoch: Instant,
) -> Result<JoinSet<Result<Tally>>> {
    let mut connections: Vec<Vec<Caller>> = Vec::new();
    connections.resize_with(all.n_connections, Vec::new);
    for (index, (number, pace)) in paces.enumerate() {
        let source = Source::new(Arc::clone(all.plan), number);
        let key = usize::try_from(number).unwrap_or(0);
        let caller = Caller::new(source, pace, all.n_events, all.library, key);
        if let Some(callers) = connections.get_mut(index % all.n_connections.max(1)) {
            callers.push(caller);
        }
    }
    connections.retain(|callers| !callers.is_empty());

    let authority = authority(all.endpoint)?;
    let keys: Vec<&[u8]> = all.keys.iter().map(ApiKey::as_bytes).collect();
    let heads = Heads::new(&authority, PATH.as_str(), USER_AGENT, &keys);
    let mut threads: Vec<Vec<_>> = Vec::new();
    threads.resize_with(all.n_threads.clamp(1, connections.len().max(1)), Vec::new);
    let n_threads = threads.len();
    for (index, callers) in connections.into_iter().enumerate() {
        let socket = connect(all.endpoint, &authority).await?;
        let session = Session::new(callers, heads.clone(), Tally::new(epoch)?);
        if let Some(thread) = threads.get_mut(index % n_threads) {
            thread.push((socket, session));
        }
    }
    let mut running = JoinSet::new();
    for connections in threads {
        running.spawn_blocking(move || work(connections, epoch));
    }
    Ok(running)
}

/// A thread with its connections, which share nothing with others.
fn work(connections: Vec<(std::net::TcpStream, Session)>, epoch: Instant) -> Result<Tally> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for (socket, session) in connections {
            let socket = TcpStream::from_std(socket).map_err(Failure::failed)?;
            running.spawn(exchange::work(socket, session));
        }
        join(&mut running, epoch).await
    })
}

async fn connect(endpoint: &Endpoint, authority: &str) -> Result<std::net::TcpStream> {
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect(authority)).await;
    let socket = connected
        .map_err(|_| unreachable(endpoint, "it does not answer"))?
        .map_err(|error| unreachable(endpoint, &error.to_string()))?;
    socket.set_nodelay(true).map_err(Failure::failed)?;
    socket.into_std().map_err(Failure::failed)
}

/// The host and port of a server.
fn authority(endpoint: &Endpoint) -> Result<String> {
    let uri = endpoint.uri();
    let host = uri.host().ok_or_else(|| Failure::usage(format!("`{uri}` has no host")))?;
    Ok(format!("{host}:{}", uri.port_u16().unwrap_or(80)))
}
