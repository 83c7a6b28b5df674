use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::Endpoint;

use super::counts::Counts;
use super::http::HttpConnection;
use super::open::{self, OpenStream, Room};
use super::options::{Mode, Options};
use super::pace::Pace;
use super::reads::Reads;
use super::report::Report;
use super::source::{Plan, Source};
use super::streams::LoadStream;
use super::tally::Tally;
use super::unary::{self, Callers};
use super::upload::Upload;
use super::uploads;
use crate::client::{self, ApiKey, Connection};
use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// Whose counts are compared: one name, so that many runs do not use up the names of a project.
const LIBRARY: &str = concat!("exposure-load/", env!("CARGO_PKG_VERSION"));
/// A preload ends by itself.
const FAR: Duration = Duration::from_hours(24);

/// Generates load and reports; 1 where the server's counts are not what was sent.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<ExitCode> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(options.threads as usize)
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let report = runtime.block_on(generate(options, environment));
    // Where one of them failed, the other threads are not waited for.
    runtime.shutdown_background();
    let report = report?;
    report.print(options)?;
    Ok(if report.counts_match == Some(false) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn generate(options: &Options, environment: &Environment) -> Result<Report> {
    if options.open_loop && (options.mode == Mode::Amplitude || options.keys.is_some()) {
        return Err(Failure::usage("an open loop has calls and streams, and one key"));
    }
    let (endpoint, key) = options.client.resolve(environment)?;
    let is_counted = !options.unchecked && options.keys.is_none();
    let aside =
        if is_counted { Some(Connection::new(&endpoint, key.clone()).await?) } else { None };
    let before = counts(aside.as_ref()).await?;

    let plan = Plan::new(options.n_users(), options.flags, options.preload);
    let plan = Arc::new(plan.with_zipf(options.zipf));
    let start = Instant::now();
    let end = start + if options.preload { FAR } else { options.duration };
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    if options.read_rate > 0 {
        let reads = Reads {
            endpoint: endpoint.clone(),
            key: key.clone(),
            plan: Arc::clone(&plan),
            rate: options.read_rate,
            start,
            end,
            done: Arc::clone(&done),
        };
        readers.spawn_blocking(|| reads.work());
    }
    let shown = tokio::spawn(show(options.clone(), Arc::clone(&plan), start));
    let mut writers = match options.mode {
        Mode::Amplitude => {
            uploaders(options, options.client.key(environment)?, &plan, start, end).await?
        }
        Mode::Unary if !options.open_loop => {
            callers(options, &endpoint, key, &plan, start, end).await?
        }
        Mode::Unary | Mode::Stream => writers(options, &endpoint, &key, &plan, start, end).await?,
    };
    let writes = join(&mut writers, start).await?;
    let seconds = start.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    shown.abort();
    let reads = join(&mut readers, start).await?;

    let after = counts(aside.as_ref()).await?;
    let counts_match = before
        .zip(after)
        .map(|(before, after)| after.grew_by(before, writes.outcomes, writes.unknown));
    Ok(Report { writes, reads, seconds, counts_match })
}

async fn counts(connection: Option<&Connection>) -> Result<Option<Counts>> {
    match connection {
        Some(connection) => Counts::of(connection, LIBRARY).await.map(Some),
        None => Ok(None),
    }
}

async fn uploaders(
    options: &Options,
    key: &str,
    plan: &Arc<Plan>,
    start: Instant,
    end: Instant,
) -> Result<JoinSet<Result<Tally>>> {
    let mut uploaders = JoinSet::new();
    let upload = Upload::new(options.batch as usize, &options.http, key, LIBRARY)?;
    for (number, pace) in paces(options, options.n_in_flight(), start, end) {
        let connection = HttpConnection::open(&options.http).await?;
        let source = Source::new(Arc::clone(plan), number);
        uploaders.spawn(uploads::work(connection, source, pace, upload.clone()));
    }
    Ok(uploaders)
}

/// The workers' numbers and paces. Workers with fixed times begin one after the other, not all in
/// the same instant.
fn paces(
    options: &Options,
    n_workers: u64,
    start: Instant,
    end: Instant,
) -> impl Iterator<Item = (u64, Pace)> {
    let rate = options.rate.map(|rate| rate as f64 / options.batch as f64);
    let interval = Pace::interval(rate, n_workers);
    (0..n_workers).map(move |number| {
        let offset =
            interval.map_or(Duration::ZERO, |it| it.mul_f64(number as f64 / n_workers as f64));
        (number, Pace::new(start, end, interval).later(offset))
    })
}

/// The closed loop of calls.
async fn callers(
    options: &Options,
    endpoint: &Endpoint,
    key: ApiKey,
    plan: &Arc<Plan>,
    start: Instant,
    end: Instant,
) -> Result<JoinSet<Result<Tally>>> {
    let keys = options.keys.as_deref().map(client::read_keys).transpose()?.unwrap_or_default();
    let callers = Callers {
        endpoint,
        keys: if keys.is_empty() { &[key] } else { &keys },
        plan,
        n_events: options.batch as usize,
        library: LIBRARY,
        n_connections: options.connections as usize,
        n_threads: options.threads as usize,
    };
    unary::spawn(callers, paces(options, options.n_in_flight(), start, end), start).await
}

/// Streams, and the open loop of calls.
async fn writers(
    options: &Options,
    endpoint: &Endpoint,
    key: &ApiKey,
    plan: &Arc<Plan>,
    start: Instant,
    end: Instant,
) -> Result<JoinSet<Result<Tally>>> {
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(Connection::new(endpoint, key.clone()).await?);
    }
    let mut writers = JoinSet::new();
    let n_events = options.batch as usize;
    let n_writers =
        if options.mode == Mode::Stream { options.streams } else { options.connections };
    let window = options.n_in_flight() as usize;
    let room = Room::new(window);
    let paces = paces(options, n_writers, start, end);
    for ((number, pace), connection) in paces.zip(connections.iter().cycle()) {
        let source = Source::new(Arc::clone(plan), number);
        if options.mode != Mode::Stream {
            let (connection, room) = (connection.clone(), room.clone());
            writers.spawn(open::calls(connection, source, pace, room, n_events, LIBRARY));
        } else if options.open_loop {
            let stream =
                OpenStream::open(connection, source, pace, window, n_events, LIBRARY).await?;
            writers.spawn(stream.work());
        } else {
            let stream =
                LoadStream::open(connection, source, pace, window, n_events, LIBRARY).await?;
            writers.spawn(stream.work());
        }
    }
    Ok(writers)
}

/// Waits for all; the first failure ends the others.
pub(super) async fn join(workers: &mut JoinSet<Result<Tally>>, epoch: Instant) -> Result<Tally> {
    let mut tally = Tally::new(epoch)?;
    while let Some(worker) = workers.join_next().await {
        tally.add(&worker.map_err(Failure::failed)??)?;
    }
    Ok(tally)
}

/// Shows how far it is, on a terminal alone.
async fn show(options: Options, plan: Arc<Plan>, start: Instant) {
    let length = if options.preload { plan.n_registers() } else { options.duration.as_secs() };
    let unit = if options.preload { "registers" } else { "s" };
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:30}} {{pos}}/{{len}} {unit}")) {
        bar.set_style(style);
    }
    let mut interval = tokio::time::interval(Duration::from_millis(500));
    loop {
        interval.tick().await;
        bar.set_position(if options.preload {
            plan.handed_out()
        } else {
            start.elapsed().as_secs()
        });
    }
}
