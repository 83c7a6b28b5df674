use axum::body::Body;
use exposure_formats::{InflateError, Inflater};
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

/// Reads and decompresses a body as it arrives; the bound holds before and after.
pub(super) async fn inflated(
    mut body: Body,
    content_encoding: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, BodyFault> {
    let mut inflater = Inflater::new(content_encoding, max_bytes);
    let mut n_bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyFault::BrokeOff(error.to_string()))?;
        let Ok(part) = frame.into_data() else { continue };
        n_bytes += part.len();
        if n_bytes > max_bytes {
            return Err(InflateError::TooLarge { max_bytes }.into());
        }
        inflater.push(&part)?;
    }
    Ok(inflater.finish()?)
}
