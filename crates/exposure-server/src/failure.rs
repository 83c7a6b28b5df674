use std::fmt;
use std::process::ExitCode;

/// Why a command ended without doing what it was asked to, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// What it was told can not be done: arguments, settings, files, addresses.
    Usage(String),
    /// It was tried and failed.
    Failed(String),
}

/// What a command ends with.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self::Usage(one_line(&what.to_string()))
    }

    pub(crate) fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(one_line(&what.to_string()))
    }

    /// 1 for what failed, 2 for what could not be tried.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(what) | Self::Failed(what)) = self;
        f.write_str(what)
    }
}

/// Parsers of other crates explain themselves over several lines.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(Failure::usage("a\n  | b\n\nc\n").to_string(), "a; | b; c");
    }
}
