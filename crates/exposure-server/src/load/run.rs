use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::counts::Counts;
use super::http::HttpConnection;
use super::open::{self, OpenStream, Room};
use super::options::{Mode, Options};
use super::pace::Pace;
use super::report::Report;
use super::source::{Plan, Source};
use super::streams::LoadStream;
use super::tally::Tally;
use super::upload::Upload;
use super::{reads, unary, uploads};
use crate::client::{self, Connection};
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
    let report = runtime.block_on(generate(options, environment))?;
    report.print(options)?;
    Ok(if report.counts_match == Some(false) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn generate(options: &Options, environment: &Environment) -> Result<Report> {
    if options.open_loop && (options.mode == Mode::Amplitude || options.keys.is_some()) {
        return Err(Failure::usage("an open loop has calls and streams, and one key"));
    }
    let (endpoint, key) = options.client.resolve(environment)?;
    let mut connections = Vec::new();
    let n_connections = if options.mode == Mode::Amplitude { 0 } else { options.connections };
    for _ in 0..n_connections {
        connections.push(Connection::new(&endpoint, key.clone()).await?);
    }
    // What keeps no counts and is not read from need not speak gRPC.
    let aside = if options.unchecked && options.read_rate == 0 {
        None
    } else {
        Some(Connection::new(&endpoint, key).await?)
    };
    let before = counts(options, aside.as_ref()).await?;

    let plan = Plan::new(options.n_users(), options.flags, options.preload);
    let plan = Arc::new(plan.with_zipf(options.zipf));
    let start = Instant::now();
    let end = start + if options.preload { FAR } else { options.duration };
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = readers(options, aside.as_ref(), &plan, start, end, &done);
    let shown = tokio::spawn(show(options.clone(), Arc::clone(&plan), start));
    let mut writers = if options.mode == Mode::Amplitude {
        uploaders(options, options.client.key(environment)?, &plan, start, end).await?
    } else {
        writers(options, &connections, &plan, start, end).await?
    };
    let writes = join(&mut writers, start).await?;
    let seconds = start.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    shown.abort();
    let reads = join(&mut readers, start).await?;

    let after = counts(options, aside.as_ref()).await?;
    let counts_match = before
        .zip(after)
        .map(|(before, after)| after.grew_by(before, writes.outcomes, writes.unknown));
    Ok(Report { writes, reads, seconds, counts_match })
}

async fn counts(options: &Options, connection: Option<&Connection>) -> Result<Option<Counts>> {
    match connection {
        Some(connection) if !options.unchecked && options.keys.is_none() => {
            Counts::of(connection, LIBRARY).await.map(Some)
        }
        _ => Ok(None),
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

async fn writers(
    options: &Options,
    connections: &[Connection],
    plan: &Arc<Plan>,
    start: Instant,
    end: Instant,
) -> Result<JoinSet<Result<Tally>>> {
    let mut writers = JoinSet::new();
    let n_events = options.batch as usize;
    let keys = options.keys.as_deref().map(client::read_keys).transpose()?.unwrap_or_default();
    let n_writers = match options.mode {
        Mode::Stream => options.streams,
        _ if options.open_loop => options.connections,
        _ => options.n_in_flight(),
    };
    let room = Room::new(options.n_in_flight() as usize);
    let paces = paces(options, n_writers, start, end);
    for ((number, pace), connection) in paces.zip(connections.iter().cycle()) {
        let source = Source::new(Arc::clone(plan), number);
        let window = options.n_in_flight() as usize;
        match options.mode {
            Mode::Stream if options.open_loop => {
                let stream =
                    OpenStream::open(connection, source, pace, window, n_events, LIBRARY).await?;
                writers.spawn(stream.work());
            }
            Mode::Unary if options.open_loop => {
                let (connection, room) = (connection.clone(), room.clone());
                writers.spawn(open::calls(connection, source, pace, room, n_events, LIBRARY));
            }
            Mode::Unary | Mode::Amplitude => {
                let connections = connection.with_keys(&keys, number);
                writers.spawn(unary::work(connections, source, pace, n_events, LIBRARY));
            }
            Mode::Stream => {
                let stream =
                    LoadStream::open(connection, source, pace, window, n_events, LIBRARY).await?;
                writers.spawn(stream.work());
            }
        }
    }
    Ok(writers)
}

fn readers(
    options: &Options,
    aside: Option<&Connection>,
    plan: &Arc<Plan>,
    start: Instant,
    end: Instant,
    done: &Arc<AtomicBool>,
) -> JoinSet<Result<Tally>> {
    let mut readers = JoinSet::new();
    let Some(aside) = aside.filter(|_| options.read_rate > 0) else { return readers };
    let n_readers = options.read_rate.div_ceil(250).min(32);
    let interval = Pace::interval(Some(options.read_rate as f64), n_readers);
    for number in 0..n_readers {
        let source = Source::new(Arc::clone(plan), 1 << 32 | number);
        let offset =
            interval.map_or(Duration::ZERO, |it| it.mul_f64(number as f64 / n_readers as f64));
        let pace = Pace::new(start, end, interval).later(offset);
        readers.spawn(reads::work(aside.clone(), source, pace, Arc::clone(done)));
    }
    readers
}

/// Waits for all; the first failure ends the others.
async fn join(workers: &mut JoinSet<Result<Tally>>, epoch: Instant) -> Result<Tally> {
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
