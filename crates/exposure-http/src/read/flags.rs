use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use exposure_service::{
    Bucket, BucketVariant, FlagSummary, Interval, Scope, SeriesQuery, ServiceError, VariantSummary,
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::parameters::{Parameters, page, time};
use crate::auth::caller;
use crate::error::Failure;
use crate::request::Shared;
use crate::track::{show_time, show_time_in};

#[derive(Debug, Deserialize)]
pub(crate) struct AskedPage {
    page_size: Option<String>,
    page_token: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Flags {
    flags: Vec<ToldFlag>,
    next_page_token: String,
}

#[derive(Debug, Serialize)]
struct ToldFlag {
    flag_key: Box<str>,
    variants: BTreeMap<Box<str>, VariantCounts>,
    profiles: u64,
    jumpers: u64,
}

#[derive(Debug, Serialize)]
struct VariantCounts {
    profiles: u64,
    exposures: u64,
    first_time: String,
    last_time: String,
}

/// `GET /v1/flags`
pub(crate) async fn flags(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Parameters(asked): Parameters<AskedPage>,
) -> Result<Json<Flags>, Failure> {
    let caller = caller(&shared.handle, &headers, Scope::Read)?;
    let page = page(asked.page_size.as_deref(), asked.page_token)?;
    let found = shared.handle.list_flags(&caller, &page).await?;
    Ok(Json(Flags {
        flags: found.items.into_iter().map(flag).collect(),
        next_page_token: found.next_page_token,
    }))
}

fn flag(of: FlagSummary) -> ToldFlag {
    let variant = |of: VariantSummary| {
        let counts = VariantCounts {
            profiles: of.profiles,
            exposures: of.exposures,
            first_time: show_time(of.first_time),
            last_time: show_time(of.last_time),
        };
        (of.variant, counts)
    };
    ToldFlag {
        flag_key: of.flag_key,
        variants: of.variants.into_iter().map(variant).collect(),
        profiles: of.profiles,
        jumpers: of.jumpers,
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct AskedSeries {
    interval: Option<String>,
    time_zone: Option<String>,
    experiment_key: Option<String>,
    from: Option<String>,
    to: Option<String>,
    page_size: Option<String>,
    page_token: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Series {
    buckets: Vec<ToldBucket>,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_page_token: String,
}

#[derive(Debug, Serialize)]
struct ToldBucket {
    start: String,
    variants: BTreeMap<Box<str>, ToldVariant>,
}

#[derive(Debug, Serialize)]
struct ToldVariant {
    new_profiles: u64,
    cumulative_profiles: u64,
    exposures: u64,
}

/// `GET /v1/flags/{flag_key}/exposures?interval=day&time_zone=`
pub(crate) async fn flag_exposures(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(flag_key): Path<String>,
    Parameters(asked): Parameters<AskedSeries>,
) -> Result<Json<Series>, Failure> {
    let caller = caller(&shared.handle, &headers, Scope::Read)?;
    let page = page(asked.page_size.as_deref(), asked.page_token)?;
    let query = SeriesQuery {
        flag_key,
        interval: match asked.interval.as_deref() {
            None | Some("" | "day") => Interval::Day,
            Some("hour") => Interval::Hour,
            Some(other) => {
                let message = format!("`interval` is `{other}`; it may be `day` or `hour`");
                return Err(ServiceError::invalid("interval", message).into());
            }
        },
        time_zone: asked.time_zone.unwrap_or_default(),
        experiment_key: asked.experiment_key,
        from: time("from", asked.from.as_deref())?,
        to: time("to", asked.to.as_deref())?,
    };
    let found = shared.handle.flag_exposures(&caller, &query, &page).await?;
    let bucket = |of: Bucket| ToldBucket {
        start: match &*query.time_zone {
            "" => show_time(of.start),
            zone => show_time_in(of.start, zone),
        },
        variants: of.variants.into_iter().map(variant).collect(),
    };
    Ok(Json(Series {
        buckets: found.buckets.into_iter().map(bucket).collect(),
        next_page_token: found.next_page_token,
    }))
}

fn variant(of: BucketVariant) -> (Box<str>, ToldVariant) {
    let counts = ToldVariant {
        new_profiles: of.new_profiles,
        cumulative_profiles: of.cumulative_profiles,
        exposures: of.exposures,
    };
    (of.variant, counts)
}
