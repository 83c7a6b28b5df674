use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use exposure_formats::{InflateError, Inflater, is_plain};
use http_body_util::BodyExt;

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyFault {
    /// It could not be decompressed, or has more bytes than may be.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// The sender ended before its end.
    #[error("the body broke off: {0}")]
    BrokeOff(String),
}

/// Reads and decompresses a body as it arrives; the bound holds before and after. One that comes
/// in one part and is not compressed is not copied.
pub(super) async fn inflated(
    mut body: Body,
    content_encoding: &str,
    max_bytes: usize,
) -> Result<Bytes, BodyFault> {
    let mut n_bytes = 0;
    let mut inflater: Option<Inflater> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyFault::BrokeOff(error.to_string()))?;
        let Ok(part) = frame.into_data() else { continue };
        n_bytes += part.len();
        if n_bytes > max_bytes {
            return Err(InflateError::TooLarge { max_bytes }.into());
        }
        if inflater.is_none() && body.is_end_stream() && is_plain(&part, content_encoding) {
            return Ok(part);
        }
        let to_come = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        inflater
            .get_or_insert_with(|| {
                let expected = part.len().saturating_add(to_come);
                Inflater::new(content_encoding, max_bytes).expecting(expected)
            })
            .push(&part)?;
    }
    let inflater = inflater.unwrap_or_else(|| Inflater::new(content_encoding, max_bytes));
    Ok(inflater.finish()?.into())
}
