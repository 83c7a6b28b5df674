use clap::Args;

use crate::failure::{Failure, Result};

/// Whom it is about.
#[derive(Clone, Debug, Args)]
pub(crate) struct Whom {
    /// The user
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// The device
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<String>,
}

impl Whom {
    pub(crate) fn check(&self) -> Result<()> {
        if self.user.is_some() || self.device.is_some() {
            return Ok(());
        }
        Err(Failure::usage("nobody is named; give --user ID, --device ID, or both"))
    }
}
