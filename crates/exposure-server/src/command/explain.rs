use clap::Args;
use exposure_proto::v1;
use serde_json::{Value, json};

use super::whom::Whom;
use crate::client::{ClientOptions, block_on};
use crate::console::{self, Table, line};
use crate::encoding::{property, show_time};
use crate::environment::Environment;
use crate::failure::Result;

/// Which property of whom.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    whom: Whom,
    /// The flag
    #[arg(long, value_name = "KEY")]
    flag: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Shows the write that decides a property, those that lost and why, links and duplicates.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<()> {
    options.whom.check()?;
    block_on(async {
        let connection = options.client.connect(environment).await?;
        let mut queries = connection.queries();
        let mut request = v1::ExplainRequest {
            user_id: options.whom.user.clone(),
            device_id: options.whom.device.clone(),
            flag_key: options.flag.clone(),
            ..v1::ExplainRequest::default()
        };
        let mut answer = queries.explain(request.clone()).await?.into_inner();
        let mut next = std::mem::take(&mut answer.next_page_token);
        while !next.is_empty() {
            request.page_token = next;
            let page = queries.explain(request.clone()).await?.into_inner();
            answer.lost.extend(page.lost);
            next = page.next_page_token;
        }
        if options.client.json { console::json(&as_json(&answer)) } else { as_text(&answer) }
    })
}

fn as_json(answer: &v1::ExplainResponse) -> Value {
    let duplicates = answer.duplicates.clone().unwrap_or_default();
    json!({
        "profile": answer.profile,
        "flag_key": answer.flag_key,
        "variant": answer.variant,
        "decided_by": answer.decided_by.as_ref().map(write_json),
        "lost": answer.lost.iter().map(|lost| json!({
            "write": lost.write.as_ref().map(write_json),
            "reason": reason(lost.reason),
        })).collect::<Vec<_>>(),
        "links": answer.links.iter().map(|link| json!({
            "device_id": link.device_id, "user_id": link.user_id, "time": show_time(link.time_us),
        })).collect::<Vec<_>>(),
        "duplicates": {
            "count": duplicates.duplicate_count,
            "last": duplicates.last.iter().map(|it| json!({
                "insert_id": it.insert_id,
                "received": show_time(it.receive_time_us),
                "conflict": it.conflict,
            })).collect::<Vec<_>>(),
        },
        "shared_devices": answer.shared_device_ids,
    })
}

fn write_json(write: &v1::Write) -> Value {
    json!({
        "variant": write.variant,
        "time": show_time(write.time_us),
        "sequence": write.sequence,
        "experiment_key": write.experiment_key,
        "insert_id": write.insert_id,
        "user_id": write.user_id,
        "device_id": write.device_id,
        "kind": write.event_kind,
        "received": write.receive_time_us.map(show_time),
        "key_id": write.key_id,
        "library": write.library,
        "metadata": write.metadata.as_ref().map(|json| {
            serde_json::from_slice(json).unwrap_or(Value::Null)
        }),
    })
}

fn as_text(answer: &v1::ExplainResponse) -> Result<()> {
    let variant = answer.variant.as_deref().map_or("not set".to_owned(), |it| format!("`{it}`"));
    line(format!("{} of {} is {variant}", property(&answer.flag_key), answer.profile))?;
    let Some(decided_by) = &answer.decided_by else {
        return line("no write to it was ever made");
    };
    let mut table =
        Table::new(&["", "variant", "time", "event", "user", "device", "insert id", "from"]);
    let mut row = |verdict: String, write: &v1::Write| {
        let variant = write.variant.clone().unwrap_or_else(|| "(unset)".to_owned());
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        table.row([
            verdict,
            variant,
            show_time(write.time_us),
            write.event_kind.clone(),
            of(&write.user_id),
            of(&write.device_id),
            of(&write.insert_id),
            of(&write.library),
        ]);
    };
    row("decides".to_owned(), decided_by);
    for lost in &answer.lost {
        row(format!("lost: {}", reason(lost.reason)), &lost.write.clone().unwrap_or_default());
    }
    table.print("")?;
    for link in &answer.links {
        let v1::Link { device_id, user_id, time_us } = link;
        line(format!(
            "device {device_id} was seen with user {user_id} at {}",
            show_time(*time_us)
        ))?;
    }
    for device in &answer.shared_device_ids {
        line(format!("device {device} is shared by many: its anonymous writes stay its own"))?;
    }
    let duplicates = answer.duplicates.as_ref().map_or(0, |it| it.duplicate_count);
    if duplicates > 0 {
        line(format!("{duplicates} duplicates had no effect"))?;
    }
    Ok(())
}

fn reason(number: i32) -> String {
    let name = v1::LostReason::try_from(number).unwrap_or_default().as_str_name();
    name.trim_start_matches("LOST_REASON_").to_lowercase()
}
