use super::{common, member};
use crate::json::pick;
use crate::otlp::collector::Collector;
use crate::otlp::evaluation::Evaluation;

/// A `LogRecord`.
pub(super) fn record<'b>(json: &'b str, into: &mut Collector<'_, 'b>) {
    let arena = into.arena;
    let names =
        ["eventName", "attributes", "body", "timeUnixNano", "observedTimeUnixNano", "spanId"];
    let Ok([event_name, attributes, body, time, observed_time, span_id]) = pick(json, arena, names)
    else {
        return into.refuse_what_is_no_object(json);
    };
    let mut evaluation = Evaluation::default();
    member::each(attributes, |json| {
        if let Some((name, value)) = common::key_value(json, arena) {
            evaluation.attribute(name, value, into.options);
        }
    });
    if !evaluation.is_of_record(member::text(event_name, arena)) {
        return;
    }
    if let Some(body) = body {
        evaluation.body(common::any_value(body, arena));
    }
    let nanos = member::nanos("timeUnixNano", time, arena)
        .and_then(|time| Ok(time.or(member::nanos("observedTimeUnixNano", observed_time, arena)?)));
    into.take(&evaluation, nanos, member::id(span_id, arena), json);
}
