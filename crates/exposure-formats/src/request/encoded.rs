use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Arena;

/// Senders write both alphabets, with padding and without.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// What base64 text stands for, in either alphabet.
pub(crate) fn base64<'b>(text: &str, arena: &'b Arena) -> Option<&'b [u8]> {
    let text = text.trim();
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let bytes = engine.decode(text).ok()?;
    Some(arena.slice(&bytes))
}

/// The first parameter of that name in a query or a form, decoded.
pub(crate) fn parameter<'b>(encoded: &'b [u8], name: &str, arena: &'b Arena) -> Option<&'b str> {
    parameters(encoded, arena).find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The parameters of a query or a form, decoded, in order.
pub(crate) fn parameters<'b>(
    encoded: &'b [u8],
    arena: &'b Arena,
) -> impl Iterator<Item = (&'b str, &'b str)> {
    let kept = move |text: Cow<'b, str>| match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => arena.text(&text),
    };
    form_urlencoded::parse(encoded).map(move |(name, value)| (kept(name), kept(value)))
}
