use std::fmt;

/// One violation of a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The protocol file, relative to the protocol's root.
    pub file: String,
    /// The line, counted from 1; 0 where what is wrong is no longer there.
    pub line: usize,
    /// The rule, by the name that `buf` gives it where it has one.
    pub rule: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.rule, self.message)
    }
}
