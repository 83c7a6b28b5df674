use super::{common, member};
use crate::json::pick;
use crate::otlp::collector::{Collector, Nanos};
use crate::otlp::evaluation::{Evaluation, is_of_span, is_of_span_event};

/// A `Span`: it may be an evaluation, and each of its events may.
pub(super) fn span<'b>(json: &'b str, into: &mut Collector<'_, 'b>) {
    let arena = into.arena;
    let names = ["spanId", "name", "startTimeUnixNano", "endTimeUnixNano", "attributes", "events"];
    let Ok([span_id, name, start_time, end_time, attributes, events]) = pick(json, arena, names)
    else {
        return into.refuse_what_is_no_object(json);
    };
    let span_id = member::id(span_id, arena);
    let nanos = member::nanos("startTimeUnixNano", start_time, arena)
        .and_then(|time| Ok(time.or(member::nanos("endTimeUnixNano", end_time, arena)?)));
    let span_time = nanos.as_ref().copied().unwrap_or(Nanos::Missing);
    if is_of_span(member::text(name, arena)) {
        into.take(&evaluation(attributes, into), nanos, span_id, json);
    }
    member::each(events, |json| {
        let names = ["name", "timeUnixNano", "attributes"];
        let Ok([name, time, attributes]) = pick(json, arena, names) else {
            return into.refuse_what_is_no_object(json);
        };
        if is_of_span_event(member::text(name, arena)) {
            let nanos = member::nanos("timeUnixNano", time, arena).map(|nanos| nanos.or(span_time));
            into.take(&evaluation(attributes, into), nanos, span_id, json);
        }
    });
}

fn evaluation<'b>(attributes: Option<&'b str>, into: &Collector<'_, 'b>) -> Evaluation<'b> {
    let mut evaluation = Evaluation::default();
    member::each(attributes, |json| {
        if let Some((name, value)) = common::key_value(json, into.arena) {
            evaluation.attribute(name, value, into.options);
        }
    });
    evaluation
}
