use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use metrics::{Counter, Histogram, counter, histogram};
use tokio::time::Instant;

/// What is counted with every request, looked up by name once for each path: at its first
/// request, so that nobody reads of a hundred paths that nobody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Meter(Arc<Paths>);

#[derive(Debug)]
struct Paths {
    known: BTreeMap<&'static str, OnceLock<Path>>,
    other: OnceLock<Path>,
}

/// A path as it is counted.
#[derive(Debug)]
pub(crate) struct Path {
    /// Its label; a flag's key is none.
    pub(crate) name: &'static str,
    ok: Counter,
    seconds: Histogram,
}

/// The label of what is none of the paths.
const OTHER: &str = "other";

/// The status of most answers, as a label.
const OK: &str = "2xx";

impl Meter {
    /// Of these paths, with the recorder that is installed when they are asked for.
    pub(crate) fn new(paths: impl IntoIterator<Item = &'static str>) -> Self {
        let known = paths.into_iter().map(|path| (path, OnceLock::new())).collect();
        Self(Arc::new(Paths { known, other: OnceLock::new() }))
    }

    /// The path that a route matched.
    pub(crate) fn path(&self, matched: &str) -> &Path {
        match self.0.known.get_key_value(matched) {
            Some((name, path)) => path.get_or_init(|| Path::new(name)),
            None => self.0.other.get_or_init(|| Path::new(OTHER)),
        }
    }
}

impl Path {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            ok: requests(name, OK),
            seconds: histogram!("exposure_http_request_seconds", "path" => name),
        }
    }

    /// Counts a request that was answered.
    pub(crate) fn count(&self, status: u16, started: Instant) {
        match status_class(status) {
            OK => self.ok.increment(1),
            status => requests(self.name, status).increment(1),
        }
        self.seconds.record(started.elapsed().as_secs_f64());
    }
}

fn requests(path: &'static str, status: &'static str) -> Counter {
    counter!("exposure_http_requests_total", "path" => path, "status" => status)
}

const fn status_class(status: u16) -> &'static str {
    match status {
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        413 => "413",
        429 => "429",
        _ if status < 300 => OK,
        _ if status < 400 => "3xx",
        _ if status < 500 => "4xx",
        _ => "5xx",
    }
}
