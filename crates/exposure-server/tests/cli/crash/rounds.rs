use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tonic::transport::{Channel, Endpoint};

use super::check::Checker;
use super::clients::{CLIENTS, Maker, Random, calls, stream};
use super::follow::Follower;
use super::journal::Sent;
use crate::process::{KEY, Server};

/// In every other directory the feed is followed; in the others the log is let go as soon as it may be.
const KEEPS: [[&str; 2]; 2] = [["--feed-keeps", "1GiB"], ["--feed-keeps", "0"]];
/// Rounds over one directory, so that a crash also meets what earlier ones left.
const ROUNDS_OF_A_DIRECTORY: u64 = 10;
/// Everything that runs beside intake runs all the time.
const BUSY: [&str; 8] = [
    "--api-key",
    KEY,
    "--checkpoint-after",
    "1MiB",
    "--convert-every",
    "20ms",
    "--memory-limit",
    "16MiB",
];

#[test]
fn a_kill_at_any_moment_loses_nothing_and_doubles_nothing() {
    let variable =
        |name| std::env::var_os(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
    let n_rounds = variable("EXPOSURE_KILL_ROUNDS").unwrap_or(20);
    let seed = variable("EXPOSURE_KILL_SEED").unwrap_or_else(|| now_us() as u64);
    eprintln!("{n_rounds} rounds, EXPOSURE_KILL_SEED={seed}");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(rounds(n_rounds, Random(seed)));
}

async fn rounds(n_rounds: u64, mut random: Random) {
    let (mut acknowledged, mut unknown, mut survived, mut told) = (0, 0, 0, 0);
    for first in (0..n_rounds).step_by(ROUNDS_OF_A_DIRECTORY as usize) {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut checker = Checker::default();
        let is_followed = (first / ROUNDS_OF_A_DIRECTORY).is_multiple_of(2);
        let keeps = KEEPS[usize::from(!is_followed)];
        let args = [&BUSY[..], &keeps[..]].concat();
        let mut server = Server::start_with(&data, &args);
        let mut follower =
            if is_followed { Some(Follower::begin(connect(&server).await).await) } else { None };
        for round in first..n_rounds.min(first + ROUNDS_OF_A_DIRECTORY) {
            let (journal, followed) = crash(server, round, &mut random, follower).await;
            follower = followed;
            server = Server::start_with(&data, &args);
            let channel = connect(&server).await;
            let (n_survived, happened) = checker.check(&channel, &journal).await;
            survived += n_survived;
            if let Some(follower) = &mut follower {
                follower.check(&channel, &happened).await;
            }
            let n_acknowledged = journal.iter().filter(|sent| sent.is_acknowledged).count();
            acknowledged += n_acknowledged;
            unknown += journal.len() - n_acknowledged;
        }
        told += follower.map_or(0, |follower| follower.n_told());
        assert_eq!(server.stop(), 0);
    }
    eprintln!(
        "{n_rounds} rounds of kill -9: {acknowledged} acknowledged; of {unknown} others {survived} were there; \
         {told} changes told by the feed"
    );
    assert!(acknowledged > 0 && unknown > 0 && told > 0, "nothing was put to the test");
}

/// Sends over calls and a stream, and kills the server in the middle.
async fn crash(
    server: Server,
    round: u64,
    random: &mut Random,
    follower: Option<Follower>,
) -> (Vec<Sent>, Option<Follower>) {
    let channel = connect(&server).await;
    let start_us = now_us();
    let followed = follower.map(|follower| tokio::spawn(follower.follow(channel.clone())));
    let makers = (0..CLIENTS).map(|client| Maker {
        round,
        client,
        start_us,
        random: Random(random.below(u64::MAX)),
        n_made: 0,
    });
    let clients: Vec<_> = makers
        .map(|maker| match maker.client {
            0 => tokio::spawn(stream(channel.clone(), maker)),
            _ => tokio::spawn(calls(channel.clone(), maker)),
        })
        .collect();
    tokio::time::sleep(Duration::from_micros(20_000 + random.below(130_000))).await;
    server.kill();
    let mut journal = Vec::new();
    for client in clients {
        journal.append(&mut client.await.unwrap());
    }
    let follower = match followed {
        Some(followed) => Some(followed.await.unwrap()),
        None => None,
    };
    (journal, follower)
}

async fn connect(server: &Server) -> Channel {
    Endpoint::from_shared(server.grpc.clone()).unwrap().connect().await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the server under test has the system's clock too")]
fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64
}
