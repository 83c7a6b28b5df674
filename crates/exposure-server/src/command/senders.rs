use exposure_proto::v1;
use serde_json::{Map, Value, json};

use crate::client::{Connection, code_name};
use crate::console::{self, Table};
use crate::encoding::show_time;
use crate::failure::Result;

/// Every sender of the key's project.
pub(crate) async fn all(connection: &Connection) -> Result<Vec<v1::Sender>> {
    let (mut admin, mut senders) = (connection.admin(), Vec::new());
    let mut request = v1::ListSendersRequest::default();
    loop {
        let page = admin.list_senders(request.clone()).await?.into_inner();
        senders.extend(page.senders);
        if page.next_page_token.is_empty() {
            return Ok(senders);
        }
        request.page_token = page.next_page_token;
    }
}

/// Writes what came in from each, and what became of all that their clients tracked.
pub(super) fn print(senders: &[v1::Sender]) -> Result<()> {
    received_table(senders).print("nobody sent anything yet")?;
    if senders.iter().all(|sender| sender.account.is_none()) {
        return Ok(());
    }
    console::line("")?;
    tracked_table(senders).print("")
}

fn received_table(senders: &[v1::Sender]) -> Table {
    let mut table =
        Table::new(&["sender", "received", "accepted", "duplicate", "rejected", "last", "reasons"]);
    for sender in senders {
        let reasons: Vec<_> = sender
            .rejected_counts
            .iter()
            .map(|it| format!("{} {}", code_name(it.code), it.event_count))
            .collect();
        table.row([
            name(sender),
            sender.received_count.to_string(),
            sender.accepted_count.to_string(),
            sender.duplicate_count.to_string(),
            sender.rejected_count.to_string(),
            known(sender.last_receive_time_us).unwrap_or_default(),
            reasons.join(", "),
        ]);
    }
    table
}

fn tracked_table(senders: &[v1::Sender]) -> Table {
    let mut table = Table::new(&[
        "sender",
        "clients",
        "tracked",
        "delivered",
        "deduplicated",
        "dropped",
        "pending",
        "loss",
        "last report",
        "reasons",
    ]);
    for sender in senders {
        let Some(account) = &sender.account else { continue };
        let mut reasons: Vec<_> = account
            .dropped_counts
            .iter()
            .map(|it| format!("{} {}", reason_name(it.reason), it.count))
            .collect();
        for (what, count) in [
            ("clients evicted", account.evicted_client_count),
            ("accounts ignored", account.ignored_account_count),
        ] {
            if count != 0 {
                reasons.push(format!("({what} {count})"));
            }
        }
        table.row([
            name(sender),
            account.client_count.to_string(),
            account.tracked_count.to_string(),
            account.delivered_count.to_string(),
            account.deduplicated_count.to_string(),
            account.dropped_count.to_string(),
            account.pending_count.to_string(),
            percent(account.loss_share),
            known(account.last_report_time_us).unwrap_or_default(),
            reasons.join(", "),
        ]);
    }
    table
}

fn name(sender: &v1::Sender) -> String {
    if sender.library.is_empty() { "(unnamed)".to_owned() } else { sender.library.clone() }
}

/// A time; zero is not known.
fn known(micros: i64) -> Option<String> {
    (micros != 0).then(|| show_time(micros))
}

/// A loss is never shown as none.
fn percent(share: f64) -> String {
    if 0.0 < share && share < 0.0001 {
        return "<0.01%".to_owned();
    }
    format!("{:.2}%", share * 100.0)
}

fn reason_name(number: i32) -> String {
    let reason = match v1::DropReason::try_from(number) {
        Ok(v1::DropReason::Unspecified) | Err(_) => return "other".to_owned(),
        Ok(reason) => reason.as_str_name(),
    };
    reason.strip_prefix("DROP_REASON_").unwrap_or(reason).to_ascii_lowercase()
}

/// What is written with `--json`.
pub(super) fn json(senders: &[v1::Sender]) -> Value {
    let sender = |it: &v1::Sender| {
        let reasons: Map<String, Value> = it
            .rejected_counts
            .iter()
            .map(|it| (code_name(it.code).to_owned(), Value::from(it.event_count)))
            .collect();
        json!({
            "library": it.library,
            "received": it.received_count,
            "accepted": it.accepted_count,
            "duplicate": it.duplicate_count,
            "rejected": it.rejected_count,
            "rejected_by_code": reasons,
            "last_received": known(it.last_receive_time_us),
            "account": it.account.as_ref().map(account_json),
        })
    };
    json!({"senders": senders.iter().map(sender).collect::<Vec<_>>()})
}

fn account_json(account: &v1::SenderAccount) -> Value {
    let providers: Map<String, Value> = account
        .providers
        .iter()
        .map(|it| {
            let part = json!({
                "required": it.required,
                "offered": it.offered_count,
                "delivered": it.delivered_count,
                "dropped_by_reason": by_reason(&it.dropped_counts),
                "pending": it.pending_count,
            });
            (it.name.clone(), part)
        })
        .collect();
    json!({
        "clients": account.client_count,
        "evicted_clients": account.evicted_client_count,
        "ignored_accounts": account.ignored_account_count,
        "last_report": known(account.last_report_time_us),
        "tracked": account.tracked_count,
        "delivered": account.delivered_count,
        "deduplicated": account.deduplicated_count,
        "dropped": account.dropped_count,
        "dropped_by_reason": by_reason(&account.dropped_counts),
        "pending": account.pending_count,
        "recovered": account.recovered_count,
        "loss_share": account.loss_share,
        "providers": providers,
    })
}

fn by_reason(counts: &[v1::DroppedCount]) -> Map<String, Value> {
    counts.iter().map(|it| (reason_name(it.reason), Value::from(it.count))).collect()
}
