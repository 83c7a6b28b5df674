use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use exposure_proto::v1;

use super::pace::Pace;
use super::source::Source;
use super::tally::Tally;
use crate::client::{Connection, describe};
use crate::failure::Result;

/// Reads the properties of one user after the other until the writers are done.
pub(super) async fn work(
    connection: Connection,
    mut source: Source,
    mut pace: Pace,
    done: Arc<AtomicBool>,
) -> Result<Tally> {
    let mut client = connection.properties();
    let mut tally = Tally::new(pace.epoch())?;
    while let Some(start) = pace.next().await {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let user_id = Some(format!("user-{:010}", source.user()));
        let request = v1::GetUserPropertiesRequest { user_id, device_id: None };
        client.get_user_properties(request).await.map_err(|status| describe(&status))?;
        tally.took(start.elapsed());
    }
    Ok(tally)
}
