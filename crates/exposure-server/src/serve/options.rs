//! What each part is told, out of the settings.

use exposure_core::Limits;
use exposure_store_embedded::{Options, window};

use crate::config::Settings;

/// For the store.
pub(super) fn store(settings: &Settings) -> Options {
    let window = window::Options {
        window_us: u64::try_from(settings.dedupe_window.as_micros()).unwrap_or(u64::MAX),
        dedupe_max_bytes: settings.dedupe_max_bytes.0,
        ..window::Options::default()
    };
    Options {
        durability: settings.durability,
        memory_limit: to_usize(settings.memory_limit.0),
        checkpoint_after: settings.checkpoint_after.0,
        feed_keeps: settings.feed_keeps.0,
        max_unconverted: settings.max_unconverted.0,
        convert_every: settings.convert_every,
        retention: settings.retention,
        background_rate: settings.background_rate.0,
        limits: limits(settings),
        window,
        ..Options::new(&settings.data_dir)
    }
}

/// For the application.
pub(super) fn service(settings: &Settings) -> exposure_service::Settings {
    exposure_service::Settings {
        limits: limits(settings),
        max_batch_events: settings.max_batch_events,
        max_in_flight_bytes: to_usize(settings.max_in_flight_bytes.0),
        max_wait: settings.max_wait,
        max_future_skew_micros: i64::try_from(settings.max_future_skew.as_micros())
            .unwrap_or(i64::MAX),
        max_reporting_clients: settings.max_reporting_clients,
        max_watches: settings.max_watches,
        ..exposure_service::Settings::default()
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        flags: settings.max_flags,
        users_per_device: settings.max_device_users,
        ..Limits::default()
    }
}

/// For gRPC.
pub(super) fn grpc(settings: &Settings) -> exposure_grpc::Settings {
    exposure_grpc::Settings {
        max_message_bytes: to_usize(settings.max_message_bytes.0),
        stream_credit: to_u32(settings.stream_credit),
        max_ingest_streams: settings.max_streams,
        max_connections: settings.max_connections,
        max_calls: settings.max_calls,
        call_timeout: settings.call_timeout,
        drain_timeout: settings.drain,
        formats: formats(settings),
        ..exposure_grpc::Settings::default()
    }
}

/// For HTTP.
pub(super) fn http(settings: &Settings) -> exposure_http::Settings {
    exposure_http::Settings {
        max_body_bytes: to_usize(settings.max_message_bytes.0),
        max_connections: settings.max_connections,
        max_requests: settings.max_calls,
        request_timeout: settings.call_timeout,
        drain_timeout: settings.drain,
        formats: formats(settings),
        ..exposure_http::Settings::default()
    }
}

fn formats(settings: &Settings) -> exposure_formats::Options {
    exposure_formats::Options {
        otlp: exposure_formats::otlp::Options {
            device_attributes: settings.otlp_device_attributes.clone(),
            experiment_attributes: settings.otlp_experiment_attributes.clone(),
        },
        ..exposure_formats::Options::default()
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
