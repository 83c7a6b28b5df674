use clap::{Args, ValueEnum};
use exposure_proto::v1;
use exposure_proto::v1::watch_user_properties_response::Entry;
use serde_json::json;

use super::flags::all_flags;
use crate::client::{ClientOptions, Connection, block_on, code_name};
use crate::console;
use crate::encoding::show_time;
use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// What to write.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[arg(value_enum, default_value_t = What::Properties)]
    what: What,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Every property that is visible now
    Properties,
    /// Who was exposed to which variant: first time, last time, count
    Exposures,
    /// Events that were rejected, with the reason
    Rejected,
    /// What was metered, by day
    Usage,
}

/// Writes JSON lines, one a record.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<()> {
    block_on(async {
        let connection = options.client.connect(environment).await?;
        match options.what {
            What::Properties => properties(&connection).await,
            What::Exposures => exposures(&connection).await,
            What::Rejected => rejected(&connection).await,
            What::Usage => usage(&connection).await,
        }
    })
}

async fn properties(connection: &Connection) -> Result<()> {
    let request = v1::WatchUserPropertiesRequest { cursor: None, snapshot: true };
    let mut feed = connection.properties().watch_user_properties(request).await?.into_inner();
    while let Some(message) = feed.message().await? {
        match message.entry {
            Some(Entry::SnapshotEntry(it)) => {
                let property = it.property.unwrap_or_default();
                console::json(&json!({
                    "profile": it.profile,
                    "flag_key": property.flag_key,
                    "variant": property.variant,
                    "time": show_time(property.time_us),
                    "experiment_key": property.experiment_key,
                }))?;
            }
            Some(Entry::SnapshotDone(_)) => return Ok(()),
            _ => {}
        }
    }
    Err(Failure::failed("the server ended the snapshot before it was complete"))
}

async fn exposures(connection: &Connection) -> Result<()> {
    let mut queries = connection.queries();
    for flag in all_flags(connection).await? {
        let mut request = v1::ListProfilesRequest {
            flag_key: flag.flag_key.clone(),
            basis: v1::ProfileBasis::Exposure.into(),
            ..v1::ListProfilesRequest::default()
        };
        loop {
            let page = queries.list_profiles(request.clone()).await?.into_inner();
            for it in page.profiles {
                console::json(&json!({
                    "profile": it.profile,
                    "flag_key": flag.flag_key,
                    "variant": it.variant,
                    "exposures": it.exposure_count,
                    "first_time": it.first_time_us.map(show_time),
                    "last_time": it.last_time_us.map(show_time),
                }))?;
            }
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
    }
    Ok(())
}

async fn rejected(connection: &Connection) -> Result<()> {
    let mut admin = connection.admin();
    let mut request = v1::ListRejectedEventsRequest::default();
    loop {
        let page = admin.list_rejected_events(request.clone()).await?.into_inner();
        for it in page.events {
            console::json(&json!({
                "received": show_time(it.receive_time_us),
                "code": code_name(it.code),
                "field": it.field,
                "message": it.message,
                "user_id": it.user_id,
                "device_id": it.device_id,
                "kind": it.event_kind,
                "flag_key": it.flag_key,
                "insert_id": it.insert_id,
                "key_id": it.key_id,
                "library": it.library,
            }))?;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

async fn usage(connection: &Connection) -> Result<()> {
    let mut client = connection.usage();
    let mut request = v1::GetUsageRequest {
        start_day: "2000-01-01".to_owned(),
        end_day: "2999-12-31".to_owned(),
        ..v1::GetUsageRequest::default()
    };
    loop {
        let page = client.get_usage(request.clone()).await?.into_inner();
        for it in page.rows {
            console::json(&json!({
                "day": it.day,
                "kind": it.kind,
                "event_type": it.event_type,
                "key": it.key_id,
                "library": it.library,
                "events": it.event_count,
                "billable": it.billable_count,
            }))?;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}
