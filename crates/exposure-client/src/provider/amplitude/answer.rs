use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::Exposure;
use crate::http::Answer;
use crate::provider::{Batch, Delivery, SendError};

/// What Amplitude's answer to a batch says of its exposures.
///
/// The body's `code` decides where the status claims success: a success is believed only if both
/// say so, for what stands in between answers 200 to anything.
pub(super) fn deliveries(answer: &Answer, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
    let body = answer.json();
    let code = match (answer.status, &body) {
        (200..=299, Some(body)) => match body.get("code").and_then(Value::as_u64) {
            Some(code) => code,
            None => return Err(answer.unavailable("the answer has no `code`")),
        },
        (200..=299, None) if answer.is_html => {
            return Err(answer.unavailable("the answer is a page for people"));
        }
        (200..=299, None) => return Err(answer.unavailable("the answer is no JSON object")),
        (status, _) => status.into(),
    };
    let body = body.unwrap_or_default();
    match code {
        200 => Ok(batch.all(Delivery::Delivered)),
        400 => refused(answer, &body, batch),
        413 => Err(SendError::TooLarge { reason: "the upload is too large".into() }),
        429 => throttled(answer, &body, batch),
        code => Err(answer.unavailable(format!("answered {code}"))),
    }
}

/// How long Amplitude wants throttled events to wait.
const THROTTLED: Duration = Duration::from_secs(30);
/// Lists of indexes by field, and what is wrong with the events in them.
const FAULTS: [(&str, &str); 3] = [
    ("events_with_invalid_fields", "is invalid"),
    ("events_with_missing_fields", "is missing"),
    ("events_with_invalid_id_lengths", "is too short or too long"),
];

/// Whether it is the key that is refused, which may be put right, and no event's fault.
pub(super) fn refuses_key(answer: &Answer) -> bool {
    match answer.status {
        401 | 403 => true,
        // A success that the body takes back.
        400 | 200..=299 => answer.json().is_some_and(|body| is_of_key(&body)),
        _ => false,
    }
}

fn is_of_key(body: &Value) -> bool {
    let text = |member| body.get(member).and_then(Value::as_str).unwrap_or_default();
    // The rest of the text is the key.
    text("error").to_ascii_lowercase().starts_with("invalid api key")
        || text("missing_field") == "api_key"
}

fn refused(answer: &Answer, body: &Value, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
    let rejected = |reason: String| Delivery::Rejected { reason };
    let error = body.get("error").and_then(Value::as_str).unwrap_or_default();
    if is_of_key(body) {
        return Err(answer.unavailable("the API key is not known there"));
    }
    if let Some(field) = body.get("missing_field").and_then(Value::as_str) {
        return Ok(batch.all(rejected(format!("the upload has no `{field}`: {error}"))));
    }
    let mut faults = BTreeMap::new();
    for (list, what) in FAULTS {
        for (field, indexes) in body.get(list).and_then(Value::as_object).into_iter().flatten() {
            for index in indexes_of(Some(indexes)) {
                faults.entry(index).or_insert_with(|| format!("`{field}` {what}"));
            }
        }
    }
    for index in indexes_of(body.get("silenced_events")) {
        faults.entry(index).or_insert_with(|| "it is silenced".into());
    }
    let silenced = ids_of(body.get("silenced_devices"));
    let mut is_any_named = false;
    let each = each(batch, |index, exposure| {
        let silenced = || is_in(&silenced, exposure.device_id.as_deref());
        let fault = faults.get(&index).cloned();
        match fault.or_else(|| silenced().then(|| "its device is silenced".into())) {
            Some(fault) => {
                is_any_named = true;
                rejected(fault)
            }
            None => Delivery::Retry { after: answer.retry_after },
        }
    });
    if is_any_named {
        return Ok(each);
    }
    let reason = format!("the upload is refused, and no event of it named: {error}");
    Err(SendError::TooLarge { reason })
}

fn throttled(answer: &Answer, body: &Value, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
    let after = answer.retry_after.unwrap_or(THROTTLED);
    let indexes: BTreeSet<usize> = indexes_of(body.get("throttled_events")).collect();
    let ids = |member| ids_of(body.get(member));
    let (users, devices) = (ids("throttled_users"), ids("throttled_devices"));
    let over_users = ids("exceeded_daily_quota_users");
    let over_devices = ids("exceeded_daily_quota_devices");
    let (mut n_throttled, mut n_over) = (0, 0);
    let each = each(batch, |index, exposure| {
        let (user, device) = (exposure.user_id.as_deref(), exposure.device_id.as_deref());
        if is_in(&over_users, user) || is_in(&over_devices, device) {
            n_over += 1;
            let reason = "its user or device is over the quota of a day".into();
            return Delivery::Rejected { reason };
        }
        if indexes.contains(&index) || is_in(&users, user) || is_in(&devices, device) {
            n_throttled += 1;
            return Delivery::Retry { after: Some(after) };
        }
        Delivery::Retry { after: None }
    });
    // All of it, or nobody knows which: then it is the provider that is to be left alone.
    if n_over == 0 && (n_throttled == 0 || n_throttled == each.len()) {
        let reason = "too many requests".into();
        return Err(SendError::Unavailable { after: Some(after), reason });
    }
    Ok(each)
}

fn each(batch: &Batch, mut answer: impl FnMut(usize, &Exposure) -> Delivery) -> Vec<Delivery> {
    let mut index = 0..;
    batch.each(|exposure| answer(index.next().unwrap_or(usize::MAX), exposure))
}

fn indexes_of(list: Option<&Value>) -> impl Iterator<Item = usize> + '_ {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|index| usize::try_from(index.as_u64()?).ok())
}

/// Ids are the members of an object, with counts, or the items of a list.
fn ids_of(ids: Option<&Value>) -> BTreeSet<&str> {
    match ids {
        Some(Value::Object(counts)) => counts.keys().map(String::as_str).collect(),
        Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

fn is_in(ids: &BTreeSet<&str>, id: Option<&str>) -> bool {
    id.is_some_and(|id| ids.contains(id))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::*;
    use crate::{Account, InsertId, Timestamp};

    /// Events of users u0 and u1 on device d0, and of u2 on d2.
    fn batch() -> Batch {
        let exposure = |user: &str, device: &str| {
            Arc::new(Exposure {
                user_id: Some(user.into()),
                device_id: Some(device.into()),
                flag_key: "f".into(),
                variant: None,
                experiment_key: None,
                metadata: None,
                insert_id: InsertId::from_u128(1),
                time: Timestamp::from_micros(0),
                sequence: 0,
            })
        };
        let exposures = vec![exposure("u0", "d0"), exposure("u1", "d0"), exposure("u2", "d2")];
        Batch::new(exposures, Account::default(), 0)
    }

    /// What a status with this body comes to: a letter for each event with what it waits for, or
    /// for all of them.
    fn outcome(status: u16, body: &str, retry_after: Option<&'static str>) -> String {
        let mut headers = HeaderMap::new();
        headers.extend(
            retry_after
                .map(|seconds| (http::header::RETRY_AFTER, HeaderValue::from_static(seconds))),
        );
        let answer = Answer::new(status, &headers, Bytes::from(body.to_owned()));
        let seconds = |after: Option<Duration>| {
            after.map_or_else(String::new, |after| after.as_secs().to_string())
        };
        match deliveries(&answer, &batch()) {
            Ok(deliveries) => {
                let letters = deliveries.into_iter().map(|delivery| match delivery {
                    Delivery::Delivered => "d".into(),
                    Delivery::Retry { after } => format!("r{}", seconds(after)),
                    Delivery::Rejected { reason } => {
                        assert!(!reason.contains("secret"), "{reason}");
                        "x".into()
                    }
                });
                letters.collect::<Vec<String>>().join(" ")
            }
            Err(SendError::TooLarge { .. }) => "halves".into(),
            Err(SendError::Unavailable { after, reason }) => {
                assert!(!reason.contains("secret"), "{reason}");
                format!("later {}", seconds(after))
            }
        }
    }

    #[test]
    fn answers_mean_this() {
        let invalid = |field: &str, indexes: Value| json!({"code": 400, field: {"time": indexes}});
        for (status, body, expected) in [
            (200, json!({"code": 200, "events_ingested": 3}), "d d d"),
            // A proxy's success is none.
            (200, json!({}), "later "),
            (200, json!([1]), "later "),
            (200, json!({"code": 503}), "later "),
            (200, json!({"code": 413}), "halves"),
            (302, json!({"code": 200}), "later "),
            (400, invalid("events_with_invalid_fields", json!([1])), "r x r"),
            (400, invalid("events_with_missing_fields", json!([0, 2])), "x r x"),
            (400, invalid("events_with_invalid_id_lengths", json!([2, 2])), "r r x"),
            (400, json!({"silenced_events": [0]}), "x r r"),
            (400, json!({"silenced_devices": ["d0"]}), "x x r"),
            (400, json!({"silenced_devices": {"d2": 1}}), "r r x"),
            // What names none of them.
            (400, invalid("events_with_invalid_fields", json!([3, -1, "0", null])), "halves"),
            (400, invalid("events_with_invalid_fields", json!({"0": 1})), "halves"),
            (400, json!({"code": 400, "error": "Invalid event JSON"}), "halves"),
            (400, json!("no object"), "halves"),
            // The key may be put right.
            (400, json!({"error": "Invalid API key: secret"}), "later "),
            (400, json!({"error": "invalid api key"}), "later "),
            (200, json!({"code": 400, "error": "Invalid API key: secret"}), "later "),
            (
                400,
                json!({"error": "Request missing required field", "missing_field": "api_key"}),
                "later ",
            ),
            (
                400,
                json!({"error": "Request missing required field", "missing_field": "events"}),
                "x x x",
            ),
            (400, json!({"missing_field": null}), "halves"),
            (413, json!({"code": 413}), "halves"),
            (429, json!({"throttled_events": [1]}), "r r30 r"),
            (429, json!({"throttled_users": {"u2": 31}}), "r r r30"),
            (429, json!({"throttled_devices": {"d0": 31}}), "r30 r30 r"),
            (429, json!({"throttled_events": [0, 1, 2]}), "later 30"),
            (
                429,
                json!({"exceeded_daily_quota_users": {"u1": 1}, "throttled_events": [0]}),
                "r30 x r",
            ),
            (429, json!({"exceeded_daily_quota_devices": {"d0": 1, "d2": 1}}), "x x x"),
            (429, json!({"throttled_events": "all"}), "later 30"),
            (429, json!(null), "later 30"),
            (401, json!({}), "later "),
            (403, json!({"code": 403}), "later "),
            (404, json!({}), "later "),
            (408, json!({}), "later "),
            (500, json!({"code": 200}), "later "),
            (503, json!({}), "later "),
        ] {
            assert_eq!(outcome(status, &body.to_string(), None), expected, "{status} {body}");
        }
        assert_eq!(outcome(200, "ok", None), "later ");
        assert_eq!(outcome(200, "", None), "later ");
        assert_eq!(outcome(503, "", Some("7")), "later 7");
        assert_eq!(outcome(429, "", Some("7")), "later 7");
        assert_eq!(outcome(429, r#"{"throttled_events":[1]}"#, Some("0")), "r r0 r");
    }
}
