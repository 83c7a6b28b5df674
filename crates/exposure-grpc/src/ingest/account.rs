use exposure_proto::decode::{ClientAccountRef, DroppedCountRef, ProviderAccountRef};
use exposure_proto::v1;
use exposure_service::{DropReason, ReportedAccount, ReportedProvider};

/// A client's account as the service takes it.
#[cold]
pub(super) fn reported<'a>(account: &ClientAccountRef<'a>) -> ReportedAccount<'a> {
    ReportedAccount {
        client_id: account.client_id,
        tracked: account.tracked_count,
        delivered: account.delivered_count,
        deduplicated: account.deduplicated_count,
        dropped: account.dropped_counts.iter().map(dropped).collect(),
        pending: account.pending_count,
        recovered: account.recovered_count,
        providers: account.providers.iter().map(provider).collect(),
        is_cut: account.is_cut,
    }
}

fn provider<'a>(provider: &ProviderAccountRef<'a>) -> ReportedProvider<'a> {
    ReportedProvider {
        name: provider.name,
        required: provider.required,
        offered: provider.offered_count,
        delivered: provider.delivered_count,
        dropped: provider.dropped_counts.iter().map(dropped).collect(),
        pending: provider.pending_count,
    }
}

fn dropped(dropped: &DroppedCountRef) -> (DropReason, i64) {
    // What a later client may know is counted all the same.
    let reason = match v1::DropReason::try_from(dropped.reason) {
        Ok(v1::DropReason::Unspecified) | Err(_) => DropReason::Other,
        Ok(v1::DropReason::Closed) => DropReason::Closed,
        Ok(v1::DropReason::DiskFailed) => DropReason::DiskFailed,
        Ok(v1::DropReason::Expired) => DropReason::Expired,
        Ok(v1::DropReason::Invalid) => DropReason::Invalid,
        Ok(v1::DropReason::OutboxFull) => DropReason::OutboxFull,
        Ok(v1::DropReason::Panicked) => DropReason::Panicked,
        Ok(v1::DropReason::QueueFull) => DropReason::QueueFull,
        Ok(v1::DropReason::Rejected) => DropReason::Rejected,
        Ok(v1::DropReason::ShutDown) => DropReason::ShutDown,
    };
    (reason, dropped.count)
}
