use axum::Json;
use axum::extract::State;
use exposure_service::{Result as ServiceResult, Scope, UsageLine, parse_day};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::parameters::{Parameters, page};
use crate::auth::caller;
use crate::error::Failure;
use crate::request::Shared;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    from: Option<String>,
    to: Option<String>,
    page_size: Option<String>,
    page_token: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    rows: Vec<Row>,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_page_token: String,
}

#[derive(Debug, Serialize)]
struct Row {
    day: String,
    kind: &'static str,
    event_type: Box<str>,
    key: String,
    library: Box<str>,
    events: u64,
    billable: u64,
}

/// `GET /v1/usage?from=&to=`, days as `YYYY-MM-DD` in UTC, both included.
pub(crate) async fn usage(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Answer>, Failure> {
    let caller = caller(&shared.handle, &headers, Scope::Read)?;
    let from = day("from", asked.from.as_deref())?;
    let to = day("to", asked.to.as_deref())?;
    let page = page(asked.page_size.as_deref(), asked.page_token)?;
    let found = shared.handle.usage(&caller, from, to, &page).await?;
    Ok(Json(Answer {
        rows: found.items.into_iter().map(row).collect(),
        next_page_token: found.next_page_token,
    }))
}

fn day(field: &'static str, text: Option<&str>) -> ServiceResult<Option<i64>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => parse_day(field, text).map(Some),
    }
}

fn row(line: UsageLine) -> Row {
    Row {
        day: line.day,
        kind: line.kind,
        event_type: line.event_type,
        key: line.key.to_string(),
        library: line.library,
        events: line.events,
        billable: line.billable,
    }
}
