use exposure_proto::v1;

use crate::{Account, DropCounts, DropReason, ProviderAccount};

/// A client's account as the protocol has it.
///
/// What the protocol has no room for is left out: providers past the sixteenth, and those whose
/// names, cut to 64 characters, are empty or taken.
pub(super) fn told(account: &Account, client_id: u64) -> v1::ClientAccount {
    let mut providers: Vec<v1::ProviderAccount> = Vec::new();
    for one in account.providers.iter().map(provider) {
        let is_named = !one.name.is_empty() && providers.iter().all(|other| other.name != one.name);
        if is_named && providers.len() < MOST_PROVIDERS {
            providers.push(one);
        }
    }
    v1::ClientAccount {
        client_id: format!("{client_id:016x}"),
        tracked_count: count(account.tracked),
        delivered_count: count(account.delivered),
        deduplicated_count: count(account.deduplicated),
        dropped_counts: dropped(&account.dropped),
        pending_count: count(account.pending),
        recovered_count: count(account.recovered),
        providers,
    }
}

const MOST_PROVIDERS: usize = 16;
const NAME_CHARS: usize = 64;

fn provider(of: &ProviderAccount) -> v1::ProviderAccount {
    v1::ProviderAccount {
        name: of.name.chars().take(NAME_CHARS).collect(),
        required: of.required,
        offered_count: count(of.offered),
        delivered_count: count(of.delivered),
        dropped_counts: dropped(&of.dropped),
        pending_count: count(of.pending),
    }
}

fn dropped(counts: &DropCounts) -> Vec<v1::DroppedCount> {
    let told = counts.iter().map(|(reason, n)| v1::DroppedCount {
        reason: match reason {
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
        .into(),
        count: count(n),
    });
    told.collect()
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_left_out() {
        let provider = |name: String| ProviderAccount {
            name,
            required: true,
            offered: 1,
            delivered: 1,
            dropped: DropCounts::default(),
            pending: 0,
            failures: 0,
        };
        let long = "x".repeat(65);
        let names = ["one".into(), String::new(), long.clone(), format!("{long}y")];
        let others = (0..20).map(|number| number.to_string());
        let providers = names.into_iter().chain(others).map(provider).collect();
        let told = told(&Account { providers, ..Account::default() }, 255);
        let names: Vec<&str> = told.providers.iter().map(|one| &*one.name).collect();
        assert_eq!((names[..3].to_vec(), names.len()), (vec!["one", &long[..64], "0"], 16));
        assert_eq!(told.client_id, "00000000000000ff");
    }

    #[test]
    fn reasons_have_the_names_of_the_protocol() {
        let mut counts = DropCounts::default();
        for (n, reason) in (1..).zip(DropReason::ALL) {
            counts.add(reason, n);
        }
        let names: Vec<String> = dropped(&counts)
            .iter()
            .map(|one| one.reason().as_str_name().trim_start_matches("DROP_REASON_").to_lowercase())
            .collect();
        assert_eq!(names, DropReason::ALL.map(DropReason::as_str));
    }
}
