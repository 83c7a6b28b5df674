//! Exposures of other experiment tools: `Experiment Viewed` as GrowthBook and Segment's A/B
//! testing spec write it, and Eppo's assignment events.

use exposure_core::{Exposure, Rejection};

use super::forms::each;
use super::{member, payload};
use crate::Arena;
use crate::json::{Value, is_integer};

/// Which tool an event is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// `Experiment Viewed`.
    Viewed,
    /// An assignment of Eppo's, which names its subject.
    Eppo,
}

/// The tool whose exposure an event is; `None` for any other event.
///
/// Eppo's customers name the event as they like, so that it is told by its properties.
pub(crate) fn tool<'b>(
    event_type: &str,
    properties: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Option<Tool>, Rejection> {
    if is_word(event_type, "experimentviewed") {
        return Ok(Some(Tool::Viewed));
    }
    let (mut flag, mut subject, mut allocation) = (false, false, false);
    each(properties, arena, |name, json| match name {
        "featureFlag" => flag = json.starts_with('"'),
        "subject" => subject = json.starts_with('"'),
        "allocation" => allocation = true,
        _ => {}
    })?;
    Ok((flag && subject && allocation).then_some(Tool::Eppo))
}

/// An exposure of one of the tools, and the subject where it names one.
pub(crate) struct Seen<'b> {
    pub(crate) exposure: Exposure<'b>,
    /// As JSON.
    pub(crate) subject: Option<&'b str>,
}

/// Reads an exposure from the properties of its event; all of them are its metadata.
pub(crate) fn read<'b>(
    tool: Tool,
    properties: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Seen<'b>, Rejection> {
    /// By rank: the first that is not empty counts.
    const VARIANTS: [&str; 8] = [
        "variationid",
        "variantid",
        "variationkey",
        "variantkey",
        "variationname",
        "variantname",
        "variation",
        "variant",
    ];
    const EXPERIMENTS: [&str; 3] = ["experimentid", "experimentkey", "experimentname"];
    const FEATURES: [&str; 3] = ["featureid", "featurekey", "flagkey"];
    let mut variants = [None; VARIANTS.len()];
    let mut experiments = [None; EXPERIMENTS.len()];
    let mut features = [None; FEATURES.len()];
    let (mut feature_flag, mut experiment, mut subject) = (None, None, None);
    each(properties, arena, |name, json| {
        let said = Some(json).filter(|json| !matches!(*json, "null" | "\"\""));
        for (words, found) in [
            (VARIANTS.as_slice(), variants.as_mut_slice()),
            (&EXPERIMENTS, &mut experiments),
            (&FEATURES, &mut features),
        ] {
            if let Some(at) = words.iter().position(|word| is_word(name, word)) {
                found[at] = said;
            }
        }
        match name {
            "featureFlag" => feature_flag = said,
            "experiment" => experiment = said,
            "subject" => subject = said,
            _ => {}
        }
    })?;
    let first = |found: &[Option<&'b str>]| found.iter().copied().flatten().next();
    let experiment_key = match tool {
        Tool::Viewed => first(&experiments),
        Tool::Eppo => experiment,
    };
    let flag_key = match tool {
        Tool::Viewed => first(&features).or(experiment_key),
        Tool::Eppo => feature_flag,
    };
    let exposure = Exposure {
        flag_key: name("flag_key", flag_key, arena)?,
        variant: name("variant", first(&variants), arena)?,
        experiment_key: name("experiment_key", experiment_key, arena)?,
        metadata: payload::metadata("properties", properties)?,
        impression: false,
    };
    Ok(Seen { exposure, subject })
}

/// A name: a string, an integer as its digits, or a boolean as its word.
pub(crate) fn name<'b>(
    field: &'static str,
    json: Option<&'b str>,
    arena: &'b Arena,
) -> Result<Option<&'b str>, Rejection> {
    match json.and_then(|json| Value::read(json, arena)) {
        Some(Value::Number(number)) if is_integer(number) => Ok(Some(number)),
        Some(Value::Bool(true)) => Ok(Some("true")),
        Some(Value::Bool(false)) => Ok(Some("false")),
        _ => member::text(field, json, arena),
    }
}

/// Whether a name is this word, which is in lower case, but for case, spaces, underscores and
/// hyphens.
fn is_word(name: &str, word: &str) -> bool {
    // The longest of ours with a separator after each letter is far shorter.
    if name.len() > 64 {
        return false;
    }
    let letters = name.bytes().filter(|byte| !matches!(byte, b' ' | b'_' | b'-'));
    letters.map(|byte| byte.to_ascii_lowercase()).eq(word.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewed(properties: &str) -> String {
        let arena = Arena::new();
        let seen = read(Tool::Viewed, Some(properties), &arena).unwrap().exposure;
        format!(
            "{}={}@{}",
            seen.flag_key.unwrap_or("?"),
            seen.variant.unwrap_or("?"),
            seen.experiment_key.unwrap_or("?")
        )
    }

    #[test]
    fn the_event_is_known_in_every_spelling() {
        for name in [
            "Experiment Viewed",
            "experiment_viewed",
            "experimentViewed",
            "EXPERIMENT-VIEWED",
            "experiment viewed",
        ] {
            assert_eq!(tool(name, None, &Arena::new()), Ok(Some(Tool::Viewed)), "{name}");
        }
        for name in ["Experiment", "Experiment Viewed Twice", "Viewed Experiment", ""] {
            assert_eq!(tool(name, None, &Arena::new()), Ok(None), "{name}");
        }
    }

    #[test]
    fn eppo_is_known_by_its_properties() {
        let eppo = r#"{"featureFlag": "f", "subject": "s", "allocation": "a", "variation": "on",
            "experiment": "f-a"}"#;
        let arena = Arena::new();
        assert_eq!(tool("Seen", Some(eppo), &arena), Ok(Some(Tool::Eppo)));
        let seen = read(Tool::Eppo, Some(eppo), &arena).unwrap();
        assert_eq!(seen.exposure.flag_key, Some("f"));
        assert_eq!(seen.exposure.variant, Some("on"));
        assert_eq!(seen.exposure.experiment_key, Some("f-a"));
        assert_eq!(seen.subject, Some("\"s\""));
        let other = r#"{"featureFlag": "f", "subject": "s"}"#;
        assert_eq!(tool("Seen", Some(other), &arena), Ok(None));
    }

    #[test]
    fn properties_go_by_many_names() {
        for (properties, expected) in [
            (r#"{"experimentId": "e", "variationId": "v"}"#, "e=v@e"),
            (r#"{"experiment_id": "e", "variation_id": "v"}"#, "e=v@e"),
            (r#"{"experimentId": "e", "variantId": "v"}"#, "e=v@e"),
            (r#"{"Experiment ID": "e", "VARIATION_ID": 0}"#, "e=0@e"),
            (r#"{"experiment_name": "n", "variation_name": "v"}"#, "n=v@n"),
            (
                r#"{"experiment_name": "n", "experiment_id": 7, "variation_name": "v", "variation_id": ""}"#,
                "7=v@7",
            ),
            (r#"{"featureId": "f", "experimentId": "e", "variationId": true}"#, "f=true@e"),
            (r#"{"experimentId": "e", "variationId": null}"#, "e=?@e"),
            ("{}", "?=?@?"),
        ] {
            assert_eq!(viewed(properties), expected, "{properties}");
        }
    }
}
