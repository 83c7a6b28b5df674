use exposure_core::{Metadata, Rejection};

/// An event's own properties, held to the bounds of metadata. `field` is what they are called.
pub(crate) fn payload<'b>(
    field: &'static str,
    properties: Option<&'b str>,
) -> Result<&'b [u8], Rejection> {
    Ok(metadata(field, properties)?.json)
}

/// The same as an exposure's metadata.
pub(crate) fn metadata<'b>(
    field: &'static str,
    json: Option<&'b str>,
) -> Result<Metadata<'b>, Rejection> {
    let Some(json) = json.filter(|&json| json != "null") else { return Ok(Metadata::default()) };
    Metadata::parse(json.as_bytes())
        .map_err(|error| Rejection { field: field.into(), ..Rejection::from(error) })
}
