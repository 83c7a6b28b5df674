//! What is around log records and spans, which is the same for both: a request, its
//! resources, their scopes.

use super::{common, logs, member, traces};
use crate::BodyError;
use crate::json::{each_item, pick, text};
use crate::otlp::Signal;
use crate::otlp::collector::Collector;

/// Reads an export request. What is not known is ignored, as receivers must.
pub(in crate::otlp) fn read<'b>(
    signal: Signal,
    body: &'b [u8],
    into: &mut Collector<'_, 'b>,
) -> Result<(), BodyError> {
    let levels = match signal {
        Signal::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
        Signal::Traces => ["resourceSpans", "scopeSpans", "spans"],
    };
    let [resources, scopes, records] = levels;
    let arena = into.arena;
    let [json] = pick(text(body, arena)?, arena, [resources])?;
    each(json, resources, |json| {
        let [resource, json] = pick(json, arena, ["resource", scopes])?;
        into.begin_resource(common::resource(resource, arena));
        each(json, scopes, |json| {
            let [scope, json] = pick(json, arena, ["scope", records])?;
            into.begin_scope(common::scope(scope, arena));
            member::each(list(json, records)?, |json| match signal {
                Signal::Logs => logs::record(json, into),
                Signal::Traces => traces::span(json, into),
            });
            Ok(())
        })
    })
}

/// Calls `each` with the items of an array until one fails.
fn each<'b>(
    json: Option<&'b str>,
    name: &'static str,
    mut each: impl FnMut(&'b str) -> Result<(), BodyError>,
) -> Result<(), BodyError> {
    let Some(json) = list(json, name)? else { return Ok(()) };
    let mut read = Ok(());
    each_item(json, |json| {
        if read.is_ok() {
            read = each(json);
        }
    })?;
    read
}

/// An array; one that is absent or `null` is none.
fn list<'b>(json: Option<&'b str>, member: &'static str) -> Result<Option<&'b str>, BodyError> {
    match json.filter(|json| *json != "null") {
        Some(json) if !json.starts_with('[') => {
            Err(BodyError::Missing { member, expected: "an array" })
        }
        json => Ok(json),
    }
}
