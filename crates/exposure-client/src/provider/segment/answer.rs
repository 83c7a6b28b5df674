use serde_json::Value;

use crate::http::Answer;
use crate::provider::{Delivery, SendError};

/// What Segment's answer says of every event that was sent: it never tells of single ones.
pub(super) fn delivery(answer: &Answer) -> Result<Delivery, SendError> {
    match answer.status {
        200..=299 if answer.is_html => Err(answer.unavailable("the answer is a page for people")),
        200..=299 => Ok(Delivery::Delivered),
        400 | 413 => Err(SendError::TooLarge { reason: told(answer) }),
        status if is_retryable(status) => Err(answer.unavailable(told(answer))),
        _ => Ok(Delivery::Rejected { reason: told(answer) }),
    }
}

fn is_retryable(status: u16) -> bool {
    match status {
        501 | 505 | 511 => false,
        // A wrong key, address or network is no fault of the events.
        300..=399 | 401 | 403 | 404 | 407 => true,
        status => matches!(status, 408 | 410 | 429 | 460 | 500..=599),
    }
}

/// The status, and what the receiver says of it for people, if it does.
fn told(answer: &Answer) -> String {
    const MOST: usize = 200;
    let body = answer.json();
    let message = body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    let message: String = message.unwrap_or_default().chars().take(MOST).collect();
    let separator = if message.is_empty() { "" } else { ": " };
    format!("answered {}{separator}{message}", answer.status)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn statuses_mean_this() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("9"));
        let after = Some(Duration::from_secs(9));
        for status in 200..600 {
            let reason = format!("answered {status}");
            let expected = match status {
                200 | 201 | 202 | 204 => Ok(Delivery::Delivered),
                400 | 413 => Err(SendError::TooLarge { reason }),
                302 | 401 | 403 | 404 | 408 | 410 | 429 | 460 | 500 | 502 | 503 | 504 => {
                    Err(SendError::Unavailable { after, reason })
                }
                402
                | 405
                | 406
                | 409
                | 411
                | 412
                | 414..=428
                | 430..=459
                | 461..=499
                | 501
                | 505
                | 511 => Ok(Delivery::Rejected { reason }),
                _ => continue,
            };
            assert_eq!(delivery(&Answer::new(status, &headers, Bytes::new())), expected);
        }
    }

    #[test]
    fn the_message_is_told() {
        let body = format!(r#"{{"code":"INVALID","message":"no such key{}"}}"#, "!".repeat(1000));
        let answer = Answer::new(401, &HeaderMap::new(), Bytes::from(body));
        let Err(error) = delivery(&answer) else { panic!("it was refused") };
        assert_eq!(error.to_string(), format!("answered 401: no such key{}", "!".repeat(189)));
    }

    #[test]
    fn a_page_is_no_answer() {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("text/html"));
        assert!(delivery(&Answer::new(200, &headers, Bytes::new())).is_err());
    }
}
