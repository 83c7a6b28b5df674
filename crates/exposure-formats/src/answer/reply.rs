use std::borrow::Cow;

use serde::Serialize;

use super::Failure;

/// An answer to a request of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Cow<'static, [u8]>,
    /// Whole seconds to wait before trying again, where that may help.
    pub retry_after: Option<u64>,
}

impl Answer {
    /// JSON text that is known beforehand.
    pub const fn fixed_json(body: &'static str) -> Self {
        Self::fixed(200, "application/json", body)
    }

    /// Text that is known beforehand.
    pub const fn fixed(status: u16, content_type: &'static str, body: &'static str) -> Self {
        Self { status, content_type, body: Cow::Borrowed(body.as_bytes()), retry_after: None }
    }

    /// A JSON body.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        // Numbers, strings and maps with string keys: writing them to memory can not fail.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { status, content_type: "application/json", body: Cow::Owned(body), retry_after: None }
    }

    /// A failure in the members that the SDKs of Segment, RudderStack, PostHog and GrowthBook
    /// look for, each in its own: `code`, `message`, `detail`, `success`.
    pub fn of_failure(failure: &Failure<'_>) -> Self {
        #[derive(Serialize)]
        struct Told<'a> {
            success: bool,
            code: &'static str,
            message: &'a str,
            detail: &'a str,
        }
        let message = failure.to_string();
        let told = Told {
            success: false,
            code: failure.code().as_str(),
            message: &message,
            detail: &message,
        };
        Self { retry_after: failure.retry_after(), ..Self::json(failure.status(), &told) }
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}
