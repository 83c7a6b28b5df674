use std::borrow::Cow;

/// An attribute's value, as far as it can mean anything here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Value<'b> {
    /// There is none.
    #[default]
    Absent,
    /// One value.
    Scalar(Scalar<'b>),
    /// A map, with what its member `value` holds: the body of an older event.
    Map(Option<Scalar<'b>>),
    /// An array or bytes.
    Other,
}

/// A value that can be written as text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'b> {
    Text(&'b str),
    Bool(bool),
    Int(i64),
    Double(f64),
}

impl<'b> Value<'b> {
    pub(super) const fn scalar(self) -> Option<Scalar<'b>> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            Self::Absent | Self::Map(_) | Self::Other => None,
        }
    }
}

impl<'b> Scalar<'b> {
    /// As text; a number in the shortest form that reads back as it.
    pub(super) fn text(self) -> Cow<'b, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Double(number) => Cow::Owned(number.to_string()),
        }
    }
}
