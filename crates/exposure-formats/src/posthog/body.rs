use super::lz;
use crate::json::text;
use crate::request::{base64, parameter};
use crate::{Arena, BodyError, Request, inflate};

/// How long what was compressed within a body may be.
const MAX_BYTES: usize = 20 * 1024 * 1024;

/// The JSON of a request: its body, or what the form or the query of one has in `data`.
///
/// The body says itself what it is; only lz64 looks like base64 and has to be named.
pub(super) fn json<'b>(request: &Request<'b>, arena: &'b Arena) -> Result<&'b str, BodyError> {
    let query = request.query.as_bytes();
    let body = request.body.trim_ascii();
    if is_json(body) {
        return text(body, arena);
    }
    let form = parameter(body, "data", arena);
    let data = match form.or_else(|| parameter(query, "data", arena)) {
        Some(data) => data,
        None if body.is_empty() => return Err(BodyError::Empty),
        None => std::str::from_utf8(body)
            .map_err(|error| BodyError::Broken(format!("it is neither JSON nor text: {error}")))?,
    };
    let compression = parameter(body, "compression", arena)
        .or_else(|| parameter(query, "compression", arena))
        .unwrap_or_default();
    if is_json(data.trim_start().as_bytes()) {
        return text(data.as_bytes(), arena);
    }
    // A plus that a form did not escape was read as a space.
    let data = if data.contains(' ') { arena.text(&data.trim().replace(' ', "+")) } else { data };
    if compression == "lz64" {
        let units = lz::decompress(data, MAX_BYTES)
            .ok_or_else(|| BodyError::Broken("it is no lz-string as base64".to_owned()))?;
        return text(arena.slice(String::from_utf16_lossy(&units).as_bytes()), arena);
    }
    let bytes = base64(data, arena)
        .ok_or_else(|| BodyError::Broken("it is neither JSON nor base64".to_owned()))?;
    let bytes =
        inflate(bytes, "", MAX_BYTES).map_err(|error| BodyError::Broken(error.to_string()))?;
    text(arena.slice(&bytes), arena)
}

fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'{' | b'['))
}
