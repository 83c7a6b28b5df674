use std::sync::Arc;
use std::time::Duration;

use exposure_grpc::{About, Health, Server};
use exposure_service::{Bootstrap, Clock as _, Handle};
use exposure_store::Store;
use exposure_store_embedded::EmbeddedStore;
use tokio::runtime::{Builder, Runtime};

use super::listen::Listening;
use super::metering::Metering;
use super::shutdown::{Signals, Stop};
use super::tls::{Protocol, Tls};
use super::{banner, logging, options};
use crate::config::{Resolved, ServeFlags, Settings, show};
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::system::{SystemClock, SystemEntropy};

/// Serves until a signal, or shows the settings.
pub(crate) fn run(flags: &ServeFlags, environment: &Environment) -> Result<()> {
    let resolved = Resolved::new(flags, environment)?;
    let settings = Settings::new(&resolved)?;
    if flags.print_config {
        return show(&resolved);
    }
    logging::start(&settings.log)?;
    let listeners = Listeners {
        tls: Tls::load(&settings)?,
        grpc: Listening::bind("grpc", settings.grpc)?,
        http: Listening::bind("http", settings.http)?,
    };
    let metering = Metering::start()?;
    let store = EmbeddedStore::open(options::store(&settings), SystemClock.now())
        .map_err(|error| unopened(&settings, &error))?;
    let runtime = runtime(settings.threads)?;
    runtime.block_on(serve(&settings, Arc::new(store), metering, listeners))
}

/// Where the transports listen, and what they speak there beside plain text.
#[derive(Debug)]
struct Listeners {
    tls: Option<Tls>,
    grpc: Listening,
    http: Listening,
}

fn runtime(n_threads: usize) -> Result<Runtime> {
    let n_cores = std::thread::available_parallelism().map_or(2, usize::from);
    let n_threads = if n_threads == 0 { n_cores.max(2) } else { n_threads };
    Builder::new_multi_thread()
        .worker_threads(n_threads)
        // Under overload there is always something else to do: sockets are looked at, and what
        // found no place in a thread's own queue, all the same.
        .event_interval(4)
        .global_queue_interval(4)
        .enable_all()
        .build()
        .map_err(Failure::failed)
}

/// A directory that can not be opened is a wrong argument: nothing was served.
fn unopened(settings: &Settings, error: &exposure_store::Error) -> Failure {
    let (dir, message) = (settings.data_dir.display().to_string(), error.to_string());
    if message.contains(&dir) {
        return Failure::usage(format!("can not open the data directory: {message}"));
    }
    Failure::usage(format!("can not open the data directory {dir}: {message}"))
}

async fn serve(
    settings: &Settings,
    store: Arc<dyn Store>,
    metering: Metering,
    listeners: Listeners,
) -> Result<()> {
    let mut signals = Signals::new()?;
    let (handle, bootstrap) = Handle::open(
        Arc::clone(&store),
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        options::service(settings),
        settings.api_key.0.as_deref(),
    )
    .await
    .map_err(|error| Failure::usage(format!("can not start over the data directory: {error}")))?;
    let upkeep = tokio::spawn(keep_up(metering.clone(), listeners.tls.clone()));
    let served = transports(settings, &handle, metering, listeners, &bootstrap, &mut signals).await;
    upkeep.abort();
    let closed = handle.close().await;
    tracing::info!("stopped");
    served?;
    closed.map_err(|error| Failure::failed(format!("the store did not close cleanly: {error}")))
}

async fn keep_up(metering: Metering, tls: Option<Tls>) {
    let mut interval = tokio::time::interval(Duration::from_secs(5));
    loop {
        interval.tick().await;
        metering.fold();
        if let Some(tls) = tls.clone() {
            let looked = tokio::task::spawn_blocking(move || tls.refresh()).await;
            if let Err(error) = looked {
                tracing::error!(%error, "the certificate could not be looked at");
            }
        }
    }
}

async fn transports(
    settings: &Settings,
    handle: &Handle,
    metering: Metering,
    Listeners { tls, grpc, http }: Listeners,
    bootstrap: &Bootstrap,
    signals: &mut Signals,
) -> Result<()> {
    let (grpc_address, http_address) = (grpc.address, http.address);
    let stop = Stop::new();
    let health = Health::new().await;
    let about =
        About { version: env!("CARGO_PKG_VERSION").to_owned(), store: "embedded".to_owned() };
    let server = Server::new(handle, options::grpc(settings), health.clone(), about)
        .map_err(Failure::failed)?;
    let http_options = options::http(settings);
    let secure = |protocol| tls.as_ref().map(|tls| tls.secure(protocol, http_options.head_timeout));
    let connections = grpc.connections(secure(Protocol::Http2))?;
    let mut grpc = tokio::spawn(server.serve_connections(connections, stop.wait()));
    let drained = Stop::new();
    let server = exposure_http::Server::new(
        handle,
        http_options.clone(),
        probes(handle.clone(), metering, stop.clone()),
    );
    let connections = http.connections(secure(Protocol::Http1))?;
    let mut http = tokio::spawn(server.serve_connections(connections, drained.wait()));
    health.serving().await;
    let certificate = settings.tls_cert.as_deref();
    banner::print(grpc_address, http_address, certificate, &settings.data_dir, bootstrap)?;
    tracing::info!(grpc = %grpc_address, http = %http_address, "serving");

    let signal = tokio::select! {
        signal = signals.next() => Some(signal),
        _ = &mut grpc => None,
        _ = &mut http => None,
    };
    let Some(signal) = signal else {
        return Err(Failure::failed("a transport ended by itself"));
    };
    tracing::info!(signal, "stopping: nothing new is taken, what was received is finished");
    health.not_serving().await;
    stop.give();
    let drain = async {
        let served = grpc.await;
        // The probes answer to the end.
        drained.give();
        http.await.map_err(Failure::failed)?;
        served.map_err(Failure::failed)?.map_err(Failure::failed)
    };
    tokio::select! {
        ended = drain => ended,
        signal = signals.next() => {
            tracing::warn!(signal, "stopping at once");
            at_once()
        }
    }
}

/// Metrics, and whether requests are welcome: not any more once the server was told to stop.
fn probes(handle: Handle, metering: Metering, stop: Stop) -> exposure_http::Probes {
    exposure_http::Probes::new(
        move || metering.render(&handle),
        move || stop.is_given().then(|| "the server is stopping".to_owned()),
    )
}

#[expect(
    clippy::exit,
    reason = "whoever asks twice wants no further waiting; the log holds what was acknowledged"
)]
fn at_once() -> ! {
    std::process::exit(1)
}
