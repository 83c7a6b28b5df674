use exposure_core::{ErrorCode, Timestamp};
use exposure_proto::convert::wire_code;
use exposure_proto::v1;
use exposure_service::{DropCounts, DropReason, ProviderFigures, Sender, SenderAccount};

pub(super) fn sender(sender: Sender) -> v1::Sender {
    let Sender { sent, account } = sender;
    let n_rejected: u64 = sent.rejected.iter().map(|(_, n_events)| n_events).sum();
    v1::Sender {
        library: sent.library.into(),
        received_count: (sent.accepted + sent.duplicates + n_rejected) as i64,
        accepted_count: sent.accepted as i64,
        duplicate_count: sent.duplicates as i64,
        rejected_count: n_rejected as i64,
        rejected_counts: sent.rejected.into_iter().map(rejected_count).collect(),
        last_receive_time_us: sent.last_received.map_or(0, Timestamp::as_micros),
        account: account.map(|account| sender_account(&account)),
    }
}

fn rejected_count((code, n_events): (ErrorCode, u64)) -> v1::RejectedCount {
    v1::RejectedCount { code: wire_code(code).into(), event_count: n_events as i64 }
}

fn sender_account(account: &SenderAccount) -> v1::SenderAccount {
    let figures = &account.figures;
    v1::SenderAccount {
        client_count: i32::try_from(account.clients).unwrap_or(i32::MAX),
        evicted_client_count: count(account.evicted),
        ignored_account_count: count(account.ignored),
        last_report_time_us: account.last_report.map_or(0, Timestamp::as_micros),
        tracked_count: count(figures.tracked),
        delivered_count: count(figures.delivered),
        deduplicated_count: count(figures.deduplicated),
        dropped_count: count(figures.dropped.total()),
        dropped_counts: dropped_counts(&figures.dropped),
        pending_count: count(figures.pending),
        recovered_count: count(figures.recovered),
        loss_share: figures.loss_share(),
        providers: figures.providers.iter().map(|(name, part)| provider(name, part)).collect(),
    }
}

fn provider(name: &str, part: &ProviderFigures) -> v1::ProviderAccount {
    v1::ProviderAccount {
        name: name.to_owned(),
        required: part.required,
        offered_count: count(part.offered),
        delivered_count: count(part.delivered),
        dropped_counts: dropped_counts(&part.dropped),
        pending_count: count(part.pending),
    }
}

fn dropped_counts(counts: &DropCounts) -> Vec<v1::DroppedCount> {
    let one = |(reason, dropped)| v1::DroppedCount {
        reason: drop_reason(reason).into(),
        count: count(dropped),
    };
    counts.iter().map(one).collect()
}

fn drop_reason(reason: DropReason) -> v1::DropReason {
    match reason {
        DropReason::Other => v1::DropReason::Unspecified,
        DropReason::Closed => v1::DropReason::Closed,
        DropReason::DiskFailed => v1::DropReason::DiskFailed,
        DropReason::Expired => v1::DropReason::Expired,
        DropReason::Invalid => v1::DropReason::Invalid,
        DropReason::OutboxFull => v1::DropReason::OutboxFull,
        DropReason::Panicked => v1::DropReason::Panicked,
        DropReason::QueueFull => v1::DropReason::QueueFull,
        DropReason::Rejected => v1::DropReason::Rejected,
        DropReason::ShutDown => v1::DropReason::ShutDown,
    }
}

/// Clients may claim any counts, and sums of them may be past what the wire holds.
fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
