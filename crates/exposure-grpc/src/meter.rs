use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use exposure_proto::convert::code_name;
use metrics::{Counter, Histogram, counter, histogram};
use tokio::time::Instant;
use tonic::Code;

use crate::method::METHODS;

/// What is counted with every call, looked up by name once for each method: at its first call.
#[derive(Clone, Debug)]
pub(crate) struct Meter(Arc<BTreeMap<&'static str, OnceLock<Method>>>);

#[derive(Debug)]
struct Method {
    name: &'static str,
    ok: Counter,
    seconds: Histogram,
    refused: RefusalMeter,
}

/// How long after it came what there is no room for is refused.
#[derive(Clone, Debug)]
pub(crate) struct RefusalMeter(Histogram);

impl RefusalMeter {
    pub(crate) fn new(method: &'static str) -> Self {
        Self(histogram!("exposure_grpc_refusal_seconds", "method" => method))
    }

    pub(crate) fn count(&self, came: Instant) {
        self.0.record(came.elapsed().as_secs_f64());
    }
}

impl Meter {
    /// With the recorder that is installed when a method is called.
    pub(crate) fn new() -> Self {
        Self(Arc::new(METHODS.iter().map(|name| (*name, OnceLock::new())).collect()))
    }

    /// Counts a call that was answered.
    pub(crate) fn count(&self, method: &'static str, code: Code, started: Instant) {
        match self.0.get(method) {
            Some(known) => known.get_or_init(|| Method::new(method)).count(code, started),
            None => Method::new(method).count(code, started),
        }
    }
}

impl Method {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            ok: calls(name, Code::Ok),
            seconds: histogram!("exposure_grpc_call_seconds", "method" => name),
            refused: RefusalMeter::new(name),
        }
    }

    fn count(&self, code: Code, started: Instant) {
        if code == Code::Ok {
            self.ok.increment(1);
        } else {
            calls(self.name, code).increment(1);
        }
        if code == Code::ResourceExhausted {
            self.refused.count(started);
        }
        self.seconds.record(started.elapsed().as_secs_f64());
    }
}

fn calls(method: &'static str, code: Code) -> Counter {
    counter!("exposure_grpc_calls_total", "method" => method, "code" => code_name(code))
}
