//! What is counted, and what is not.

/// What a part comes to: nothing, or why it could not run.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A part of the hot path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// One word with dashes, which `benches/counts.toml` names it by.
    pub(crate) name: &'static str,
    /// What its count is divided by.
    pub(crate) n_events: u64,
    /// Sets up, and calls [`only_this_is_counted`] for the part itself.
    pub(crate) run: fn() -> Result<()>,
}

/// Callgrind counts from where this begins to where it returns; its name is on callgrind's command line.
#[inline(never)]
pub(crate) fn only_this_is_counted(part: &mut dyn FnMut()) {
    part();
}
