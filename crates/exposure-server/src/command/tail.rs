use clap::Args;
use exposure_proto::v1;
use exposure_proto::v1::watch_user_properties_response::Entry;
use serde_json::{Value, json};

use crate::client::{ClientOptions, block_on};
use crate::console;
use crate::encoding::{from_hex, property, show_time, to_hex};
use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// Where to begin, and how far to follow.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Continue behind this cursor, as an earlier tail showed it
    #[arg(long, value_name = "HEX", conflicts_with = "snapshot")]
    cursor: Option<String>,
    /// Begin with every property as it is now
    #[arg(long)]
    snapshot: bool,
    /// End after so many entries
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Follows the change feed until it is interrupted.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<()> {
    let cursor = options.cursor.as_deref().map(|text| {
        from_hex(text)
            .ok_or_else(|| Failure::usage("--cursor is no cursor; give one as it was shown"))
    });
    let request = v1::WatchUserPropertiesRequest {
        cursor: cursor.transpose()?.map(Into::into),
        snapshot: options.snapshot,
    };
    block_on(async {
        let connection = options.client.connect(environment).await?;
        let mut feed = connection.properties().watch_user_properties(request).await?.into_inner();
        let mut rest = options.limit.unwrap_or(u64::MAX);
        while rest > 0 {
            let message = tokio::select! {
                message = feed.message() => message?,
                // Whoever follows by hand ends it by hand: that is no failure.
                _ = tokio::signal::ctrl_c() => return Ok(()),
            };
            let Some(message) = message else {
                return Err(Failure::failed("the server ended the feed"));
            };
            if matches!(message.entry, Some(Entry::Progress(_)) | None) && !options.client.json {
                continue;
            }
            if options.client.json {
                console::json(&as_json(&message))?;
            } else {
                console::line(as_text(&message))?;
            }
            rest -= 1;
        }
        Ok(())
    })
}

/// An entry of the feed as JSON, with the cursor behind it.
pub(super) fn as_json(message: &v1::WatchUserPropertiesResponse) -> Value {
    let mut entry = match &message.entry {
        Some(Entry::SnapshotEntry(it)) => {
            let property = it.property.clone().unwrap_or_default();
            json!({
                "entry": "snapshot",
                "profile": it.profile,
                "flag_key": property.flag_key,
                "variant": property.variant,
                "time": show_time(property.time_us),
                "experiment_key": property.experiment_key,
            })
        }
        Some(Entry::SnapshotDone(it)) => {
            json!({"entry": "snapshot_done", "entries": it.entry_count})
        }
        Some(Entry::PropertyChange(it)) => json!({
            "entry": "change",
            "profile": it.profile,
            "flag_key": it.flag_key,
            "variant": it.variant,
            "time": show_time(it.time_us),
            "experiment_key": it.experiment_key,
            "cause": cause(it.cause),
        }),
        Some(Entry::ProfileErased(it)) => {
            json!({"entry": "erased", "profile": it.profile, "time": show_time(it.erase_time_us)})
        }
        Some(Entry::Progress(_)) | None => json!({"entry": "progress"}),
    };
    if let Some(members) = entry.as_object_mut().filter(|_| !message.cursor.is_empty()) {
        members.insert("cursor".to_owned(), Value::from(to_hex(&message.cursor)));
    }
    entry
}

fn as_text(message: &v1::WatchUserPropertiesResponse) -> String {
    let cursor = to_hex(&message.cursor);
    match &message.entry {
        Some(Entry::SnapshotEntry(it)) => {
            let (profile, it) = (&it.profile, it.property.clone().unwrap_or_default());
            format!("{profile}  {} = {}  (snapshot)", property(&it.flag_key), it.variant)
        }
        Some(Entry::SnapshotDone(it)) => {
            format!("-- {} properties; changes follow  cursor {cursor}", it.entry_count)
        }
        Some(Entry::PropertyChange(it)) => {
            let variant = it.variant.as_deref().map_or("unset".to_owned(), |it| format!("= {it}"));
            let (time, cause) = (show_time(it.time_us), cause(it.cause));
            let property = property(&it.flag_key);
            format!("{time}  {}  {property} {variant}  ({cause})  cursor {cursor}", it.profile)
        }
        Some(Entry::ProfileErased(it)) => {
            format!("{}  {} erased  cursor {cursor}", show_time(it.erase_time_us), it.profile)
        }
        Some(Entry::Progress(_)) | None => String::new(),
    }
}

fn cause(number: i32) -> String {
    let name = v1::ChangeCause::try_from(number).unwrap_or_default().as_str_name();
    name.trim_start_matches("CHANGE_CAUSE_").to_lowercase()
}
