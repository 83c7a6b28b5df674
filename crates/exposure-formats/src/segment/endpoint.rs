use crate::Request;

/// A path of the HTTP tracking API that Segment and RudderStack share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One call, such as `/v1/track`.
    Single(Call),
    /// `/v1/batch` and `/v1/import`: calls that name their own type.
    Batch,
    /// RudderStack's `/pixel/v1/track` and `/pixel/v1/page`: one call as a query.
    Pixel(Call),
}

/// What a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Something happened.
    Track,
    /// Who somebody is.
    Identify,
    /// A page was seen.
    Page,
    /// A screen was seen.
    Screen,
    /// Whom somebody belongs to.
    Group,
    /// Two ids of one user.
    Alias,
    /// RudderStack's: the same, with the ids in a list.
    Merge,
}

/// How many events a request may have. Segment allows 2500.
pub const MAX_EVENTS: usize = 10_000;

impl Endpoint {
    /// The endpoint that a request is for.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        // PostHog's session recordings go to the same path with a slash.
        if request.path == "/s/" {
            return None;
        }
        let path = request.path.strip_suffix('/').unwrap_or(request.path);
        if let Some(pixel) = path.strip_prefix("/pixel/v1/") {
            return match pixel {
                "track" => Some(Self::Pixel(Call::Track)),
                "page" => Some(Self::Pixel(Call::Page)),
                _ => None,
            };
        }
        if path == "/beacon/v1/batch" {
            return Some(Self::Batch);
        }
        let word = match path.strip_prefix("/v1/") {
            Some(word) => word,
            // A browser that was given a host without a path has the short ones alone.
            None => path.strip_prefix('/').filter(|word| word.len() == 1)?,
        };
        match word {
            "batch" | "import" | "b" => Some(Self::Batch),
            word => Call::named(word).map(Self::Single),
        }
    }
}

impl Call {
    /// The call of a type, or of the letter that browsers write for it.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "track" | "t" => Self::Track,
            "identify" | "i" => Self::Identify,
            "page" | "p" => Self::Page,
            "screen" | "s" => Self::Screen,
            "group" | "g" => Self::Group,
            "alias" | "a" => Self::Alias,
            "merge" => Self::Merge,
            _ => return None,
        })
    }
}
