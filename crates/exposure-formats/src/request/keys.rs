use super::{Arena, Request, base64};

/// The API keys that a request's headers name, the likeliest first.
///
/// A `Bearer` may be somebody else's token beside a key in the body, so that none is final.
pub(crate) fn header_keys<'b>(request: &Request<'b>, arena: &'b Arena) -> Vec<&'b str> {
    let authorization = request.header("authorization").and_then(|value| {
        let (scheme, rest) = value.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            basic(rest, arena)
        } else if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("api-key") {
            Some(rest)
        } else {
            None
        }
    });
    let own = request.header("x-api-key");
    authorization.into_iter().chain(own).filter(|key| !key.is_empty()).collect()
}

/// The user of basic credentials; some senders leave out the colon after it.
fn basic<'b>(credentials: &str, arena: &'b Arena) -> Option<&'b str> {
    let text = std::str::from_utf8(base64(credentials, arena)?).ok()?;
    Some(text.split_once(':').map_or(text, |(user, _)| user))
}

#[cfg(test)]
mod tests {
    use exposure_core::Timestamp;

    use super::*;
    use crate::Headers;

    struct One(&'static str, &'static str);

    impl Headers for One {
        fn get(&self, name: &str) -> Option<&str> {
            (name == self.0).then_some(self.1)
        }
    }

    #[test]
    fn every_form_of_a_key_is_read() {
        for (name, value, expected) in [
            ("authorization", "Basic a2V5Og==", Some("key")),
            ("authorization", "Basic a2V5", Some("key")),
            ("authorization", "basic a2V5OnNlY3JldA==", Some("key")),
            ("authorization", "Bearer key", Some("key")),
            ("authorization", "Api-Key key", Some("key")),
            ("x-api-key", " key ", Some("key")),
            ("authorization", "Bearer ", None),
            ("authorization", "Basic ====", None),
            ("authorization", "Digest key", None),
            ("cookie", "key", None),
        ] {
            let arena = Arena::new();
            let headers = One(name, value);
            let request = Request {
                method: "POST",
                path: "/",
                query: "",
                headers: &headers,
                body: b"",
                received: Timestamp::EARLIEST_EVENT,
            };
            assert_eq!(header_keys(&request, &arena).first().copied(), expected, "{name}: {value}");
        }
    }
}
