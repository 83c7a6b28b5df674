use tokio::runtime::Builder;

use crate::failure::{Failure, Result};

/// Runs a command to its end on this thread.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(command)
}
