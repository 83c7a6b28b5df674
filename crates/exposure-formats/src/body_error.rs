/// Why a body could not be read at all: nothing of it is an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has no bytes.
    #[error("the body is empty; send a JSON object")]
    Empty,
    /// It is no JSON, or no JSON object.
    #[error("the body is no JSON object: {0}")]
    NotJson(String),
    /// It is not in the encoding that its path or its first bytes promise.
    #[error("the body can not be read: {0}")]
    Broken(String),
    /// A member that the format requires is absent, or not of the type it must have.
    #[error("the body has no `{member}`; it must be {expected}")]
    Missing {
        /// The member.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

impl From<serde_json::Error> for BodyError {
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson(error.to_string())
    }
}
