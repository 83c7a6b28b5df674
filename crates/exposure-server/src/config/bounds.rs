//! What a value must lie within, beside having the right form.

use std::time::Duration;

use super::resolve::Resolved;
use super::settings::Settings;
use super::value::Size;
use crate::failure::{Failure, Result};
use crate::units::{show_size, show_span};

pub(super) fn check(settings: &Settings, resolved: &Resolved) -> Result<()> {
    let Settings { grpc, http, .. } = settings;
    if grpc == http && grpc.port() != 0 {
        return Err(Failure::usage(format!(
            "settings `grpc` and `http` are both {grpc}; give each its own port"
        )));
    }
    match (&settings.tls_cert, &settings.tls_key) {
        (Some(_), None) => return Err(resolved.wrong("tls_key", "give it together with tls_cert")),
        (None, Some(_)) => return Err(resolved.wrong("tls_cert", "give it together with tls_key")),
        (Some(_), Some(_)) | (None, None) => {}
    }
    let check = Check(resolved);
    check.size("memory_limit", settings.memory_limit, 16 << 20, 1 << 50)?;
    check.size("dedupe_max_bytes", settings.dedupe_max_bytes, 64 << 20, 1 << 50)?;
    check.size("background_rate", settings.background_rate, 1 << 20, 1 << 40)?;
    check.size("checkpoint_after", settings.checkpoint_after, 1 << 20, 1 << 30)?;
    check.size("feed_keeps", settings.feed_keeps, 0, 1 << 50)?;
    check.size("max_unconverted", settings.max_unconverted, 64 << 20, 1 << 50)?;
    check.size("max_message_bytes", settings.max_message_bytes, 64 << 10, 1 << 30)?;
    check.size("max_in_flight_bytes", settings.max_in_flight_bytes, 1 << 20, 1 << 40)?;
    if settings.max_in_flight_bytes.0 < settings.max_message_bytes.0 {
        return Err(resolved.wrong("max_in_flight_bytes", "give at least max_message_bytes"));
    }
    check.number("threads", settings.threads, 0, 1024)?;
    check.number("max_batch_events", settings.max_batch_events, 1, 1_000_000)?;
    check.number("max_connections", settings.max_connections, 1, 1_000_000)?;
    check.number("max_calls", settings.max_calls, 1, 1_000_000)?;
    check.number("max_streams", settings.max_streams, 1, 100_000)?;
    check.number("stream_credit", settings.stream_credit, 1, 1024)?;
    check.number("max_watches", settings.max_watches, 1, 1_000_000)?;
    check.number("max_reporting_clients", settings.max_reporting_clients, 1, 1_000_000)?;
    check.number("max_flags", settings.max_flags, 1, 1_000_000)?;
    check.number("max_device_users", settings.max_device_users, 1, 1_000_000)?;
    let least = Duration::from_millis(1);
    check.span("max_wait", settings.max_wait, least, Duration::from_hours(1))?;
    let (second, day) = (Duration::from_secs(1), Duration::from_hours(24));
    check.span("dedupe_window", settings.dedupe_window, second, day * 31)?;
    check.span("convert_every", settings.convert_every, Duration::from_millis(10), day)?;
    check.span("retention", settings.retention, day, day * 36_525)?;
    check.span("max_future_skew", settings.max_future_skew, Duration::ZERO, day * 365)?;
    check.span("call_timeout", settings.call_timeout, second, day)?;
    check.span("drain", settings.drain, Duration::ZERO, day)
}

struct Check<'r>(&'r Resolved);

impl Check<'_> {
    fn size(&self, name: &str, value: Size, least: u64, most: u64) -> Result<()> {
        if (least..=most).contains(&value.0) {
            return Ok(());
        }
        Err(self.0.wrong(name, &format!("give {} to {}", show_size(least), show_size(most))))
    }

    fn number(&self, name: &str, value: usize, least: usize, most: usize) -> Result<()> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(self.0.wrong(name, &format!("give {least} to {most}")))
    }

    fn span(&self, name: &str, value: Duration, least: Duration, most: Duration) -> Result<()> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(self.0.wrong(name, &format!("give {} to {}", show_span(least), show_span(most))))
    }
}
