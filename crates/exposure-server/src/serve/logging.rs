use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::failure::{Failure, Result};

/// Sends events at the levels of the filter to standard error.
pub(super) fn start(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!(
            "setting `log` can not be `{filter}`: {error}; give a level such as info, or target=level"
        ))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init()
        .map_err(Failure::failed)
}
