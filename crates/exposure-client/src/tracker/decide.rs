use crate::{Metadata, Origin, Variant};

/// What tracking makes of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Nothing: the flag is unknown, a fallback stands in for it, or it is not to be tracked.
    Nothing,
    /// The user saw this variant.
    Set(&'a str),
    /// The user is no longer part of the experiment.
    Unset,
}

/// Decides what an evaluation is, in the order of the reference's client SDKs:
/// `trackExposure: false` is nothing; a fallback for an unknown flag is nothing; the default
/// variant, a fallback in its place, and a variant without key and value are an unset; anything
/// else sets the variant's key, or its value where it has no key.
///
/// ```
/// use exposure_client::{Decision, Origin, Variant, decide};
///
/// assert_eq!(decide(None), Decision::Nothing);
/// assert_eq!(decide(Some(&Variant::new("on"))), Decision::Set("on"));
/// let off = Variant::builder().key("off").default_variant().build();
/// assert_eq!(decide(Some(&off)), Decision::Unset);
/// let fallback = Variant::new("on").with_origin(Origin::Fallback);
/// assert_eq!(decide(Some(&fallback)), Decision::Nothing);
/// ```
pub fn decide(variant: Option<&Variant>) -> Decision<'_> {
    let Some(variant) = variant else { return Decision::Nothing };
    if !variant.metadata().is_none_or(Metadata::tracks_exposure) {
        return Decision::Nothing;
    }
    match variant.origin() {
        Origin::Fallback => Decision::Nothing,
        Origin::FallbackOverDefault => Decision::Unset,
        Origin::Evaluation if variant.is_default() => Decision::Unset,
        Origin::Evaluation => variant.tracked().map_or(Decision::Unset, |key| Decision::Set(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_decided() {
        let of = |metadata: &str| Metadata::from_json(metadata).unwrap();
        let untracked = of(r#"{"trackExposure": false}"#);
        let default = of(r#"{"default": true}"#);
        let other = of(r#"{"trackExposure": "false", "default": "true"}"#);
        let builder = Variant::builder;
        let cases = [
            ("key", builder().key("a"), Decision::Set("a")),
            ("key before value", builder().key("a").value("b"), Decision::Set("a")),
            ("value", builder().value("b"), Decision::Set("b")),
            ("empty key", builder().key("").value("b"), Decision::Set("b")),
            ("neither", builder(), Decision::Unset),
            ("both empty", builder().key("").value(""), Decision::Unset),
            ("default", builder().key("off").default_variant(), Decision::Unset),
            (
                "default in metadata",
                builder().key("off").metadata(default.clone()),
                Decision::Unset,
            ),
            ("not tracked", builder().key("a").metadata(untracked.clone()), Decision::Nothing),
            ("text is no bool", builder().key("a").metadata(other), Decision::Set("a")),
            ("fallback", builder().key("a").origin(Origin::Fallback), Decision::Nothing),
            (
                "fallback with a default",
                builder().key("off").origin(Origin::Fallback).metadata(default),
                Decision::Nothing,
            ),
            (
                "fallback over default",
                builder().key("a").origin(Origin::FallbackOverDefault),
                Decision::Unset,
            ),
            (
                "not tracked before all else",
                builder().origin(Origin::FallbackOverDefault).metadata(untracked),
                Decision::Nothing,
            ),
        ];
        for (name, variant, expected) in cases {
            assert_eq!(decide(Some(&variant.build())), expected, "{name}");
        }
    }
}
