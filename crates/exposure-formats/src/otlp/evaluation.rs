use std::borrow::Cow;

use super::Options;
use super::value::{Scalar, Value};

/// The attributes of a log record, a span or a span's event that mean something here, by the
/// names of the semantic conventions: those of now, and those before them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evaluation<'b> {
    event_name: Option<&'b str>,
    flag_key: Option<Scalar<'b>>,
    result_variant: Option<Scalar<'b>>,
    older_variant: Option<Scalar<'b>>,
    result_value: Option<Scalar<'b>>,
    body_value: Option<Scalar<'b>>,
    is_error: bool,
    context_id: Option<Scalar<'b>>,
    user_id: Option<Scalar<'b>>,
    end_user_id: Option<Scalar<'b>>,
    device: Listed<'b>,
    experiment: Listed<'b>,
}

/// What an evaluation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen<'b> {
    /// This variant; an empty one says that there is none.
    Variant(Cow<'b, str>),
    /// An error, or a value that can not be a variant.
    Nothing,
}

impl<'b> Evaluation<'b> {
    /// Takes an attribute; of one given twice the last counts.
    pub(super) fn attribute(&mut self, name: &'b str, value: Value<'b>, options: &Options) {
        let Some(scalar) = value.scalar() else { return };
        match name {
            "event.name" => {
                if let Scalar::Text(text) = scalar {
                    self.event_name = Some(text);
                }
            }
            "feature_flag.key" => self.flag_key = Some(scalar),
            "feature_flag.result.variant" => self.result_variant = Some(scalar),
            "feature_flag.variant" => self.older_variant = Some(scalar),
            "feature_flag.result.value" => self.result_value = Some(scalar),
            "feature_flag.result.reason" | "feature_flag.evaluation.reason" => {
                if let Scalar::Text(reason) = scalar {
                    self.is_error |= reason.eq_ignore_ascii_case("error");
                }
            }
            // The hooks of some languages leave out the prefix of the message.
            "error.type"
            | "error.message"
            | "feature_flag.error.message"
            | "feature_flag.evaluation.error.message" => self.is_error = true,
            "feature_flag.context.id" => self.context_id = Some(scalar),
            "user.id" => self.user_id = Some(scalar),
            "enduser.id" => self.end_user_id = Some(scalar),
            _ => {}
        }
        self.device.take(name, scalar, &options.device_attributes);
        self.experiment.take(name, scalar, &options.experiment_attributes);
    }

    /// Takes the body of a log record: older events have their value in it.
    pub(super) fn body(&mut self, body: Value<'b>) {
        if let Value::Map(value) = body {
            self.body_value = value;
        }
    }

    /// Whether a log record is an evaluation: by its name, or by the attribute that held the
    /// name before records had one.
    pub(super) fn is_of_record(&self, event_name: &str) -> bool {
        event_name == EVALUATION || (event_name.is_empty() && self.event_name == Some(EVALUATION))
    }

    pub(super) fn flag_key(&self) -> Option<Cow<'b, str>> {
        self.flag_key.map(Scalar::text)
    }

    /// The first of the user's ids that is not empty.
    pub(super) fn user_id(&self) -> Option<Cow<'b, str>> {
        first_of([self.context_id, self.user_id, self.end_user_id])
    }

    pub(super) fn device_id(&self) -> Option<Cow<'b, str>> {
        self.device.scalar.map(Scalar::text)
    }

    pub(super) fn experiment_key(&self) -> Option<Cow<'b, str>> {
        self.experiment.scalar.map(Scalar::text)
    }

    pub(super) fn seen(&self) -> Seen<'b> {
        if self.is_error {
            return Seen::Nothing;
        }
        let named = [self.result_variant, self.older_variant];
        let [variant, older_variant] = named;
        match first_of([variant, older_variant, self.result_value, self.body_value]) {
            Some(variant) => Seen::Variant(variant),
            // Said to be none, which is another thing than not said.
            None if named.into_iter().any(|variant| variant.is_some()) => {
                Seen::Variant(Cow::Borrowed(""))
            }
            None => Seen::Nothing,
        }
    }
}

/// Whether a span's event is an evaluation.
pub(super) fn is_of_span_event(name: &str) -> bool {
    name == EVALUATION || name == "feature_flag"
}

/// Whether a span is one by itself.
pub(super) fn is_of_span(name: &str) -> bool {
    name == EVALUATION
}

const EVALUATION: &str = "feature_flag.evaluation";

/// The value of the first attribute of a list that is there and not empty.
#[derive(Clone, Copy, Debug, Default)]
struct Listed<'b> {
    scalar: Option<Scalar<'b>>,
    /// Its place in the list.
    place: usize,
}

impl<'b> Listed<'b> {
    fn take(&mut self, name: &str, scalar: Scalar<'b>, names: &[String]) {
        let Some(place) = names.iter().position(|listed| listed == name) else { return };
        if scalar != Scalar::Text("") && (self.scalar.is_none() || place <= self.place) {
            *self = Self { scalar: Some(scalar), place };
        }
    }
}

fn first_of<const N: usize>(scalars: [Option<Scalar<'_>>; N]) -> Option<Cow<'_, str>> {
    scalars.into_iter().flatten().map(Scalar::text).find(|text| !text.is_empty())
}
