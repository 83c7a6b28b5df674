//! Which part of the server a sample belongs to.

use std::collections::BTreeMap;

use super::perf::Stack;

/// A part of the server with its share of all samples.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// From 0 to 1.
    pub(super) share: f64,
}

/// Names of rooms with what is done there, and with what names of its functions contain. Of several that match a
/// function the first counts.
const ROOMS: &[(&str, &str, &[&str])] = &[
    ("decode", "bytes to events", &["exposure_proto::decode"]),
    ("answer", "outcomes to bytes", &["exposure_proto::answer"]),
    (
        "admit",
        "conversion, checks, flags",
        &[
            "exposure_core::admit",
            "exposure_core::text",
            "exposure_core::ids",
            "exposure_core::json",
            "exposure_proto::convert",
            "exposure_service::intake::prepare",
            "exposure_service::project",
            "exposure_grpc::ingest::intake",
        ],
    ),
    (
        "frame",
        "keyed hashes, numbers of texts, encoded records",
        &[
            "exposure_store_embedded::store::prepare",
            "exposure_store_embedded::frame",
            "exposure_store_embedded::keys",
            "exposure_store_embedded::intern",
            "exposure_store::hash",
            "content_hash",
        ],
    ),
    ("dedupe", "the window of insert ids, and its runs", &["exposure_store_embedded::window"]),
    ("checkpoint", "shards to sections", &["exposure_store_embedded::checkpoint"]),
    (
        "archive",
        "stored events to files",
        &[
            "exposure_store_embedded::events",
            "exposure_store_embedded::store::archive",
            "parquet::",
        ],
    ),
    (
        "state",
        "profiles under the lock: found, merged",
        &[
            "exposure_store_embedded::state",
            "exposure_store_embedded::store::merge",
            "exposure_store_embedded::store::locate",
            "exposure_store_embedded::store::commit",
            "exposure_store_embedded::prefetch",
            "exposure_core::register",
            "exposure_core::version",
            "exposure_core::seen",
        ],
    ),
    (
        "log",
        "groups written and synced",
        &["exposure_store_embedded::log", "exposure_store_embedded::disk"],
    ),
    ("service", "authentication, outcomes, feed, usage", &["exposure_service"]),
    (
        "transport",
        "gRPC, HTTP/2, sockets, the runtime",
        &[
            "exposure_grpc",
            "exposure_http",
            "tonic",
            "h2::",
            "hyper",
            "tower",
            "tokio",
            "mio::",
            "http_body",
            "tcp_",
            "sock_",
            "epoll",
        ],
    ),
];
const REST: (&str, &str) = ("rest", "not told by any name on the stack");

/// The rooms in their order, with what is left at the end.
pub(super) fn shares(stacks: &[Stack]) -> Vec<Room> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for stack in stacks {
        *counts.entry(room(stack)).or_default() += stack.n;
    }
    let total = total(stacks);
    let names = ROOMS.iter().map(|(name, about, _)| (*name, *about)).chain([REST]);
    names
        .map(|(name, about)| {
            let n = counts.get(name).copied().unwrap_or(0);
            Room { name, about, share: n as f64 / total }
        })
        .collect()
}

/// The innermost functions with their shares, the largest first.
pub(super) fn leaves(stacks: &[Stack]) -> Vec<(String, f64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for stack in stacks {
        if let Some(leaf) = stack.frames.last() {
            *counts.entry(leaf).or_default() += stack.n;
        }
    }
    let total = total(stacks);
    let mut leaves: Vec<_> =
        counts.into_iter().map(|(name, n)| (name.to_owned(), n as f64 / total)).collect();
    leaves.sort_by(|one, other| other.1.total_cmp(&one.1));
    leaves
}

fn total(stacks: &[Stack]) -> f64 {
    (stacks.iter().map(|stack| stack.n).sum::<u64>() as f64).max(1.0)
}

fn room(stack: &Stack) -> &'static str {
    let of_function = |function: &String| {
        let room =
            ROOMS.iter().find(|(_, _, names)| names.iter().any(|name| function.contains(name)));
        room.map(|room| room.0)
    };
    stack.frames.iter().skip(1).rev().find_map(of_function).unwrap_or(REST.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(frames: &[&str], n: u64) -> Stack {
        Stack { frames: frames.iter().map(|&frame| frame.to_owned()).collect(), n }
    }

    #[test]
    fn a_sample_belongs_to_the_innermost_room() {
        let stacks = [
            stack(
                &["worker", "tokio::run", "exposure_proto::decode::message::decode", "memcpy"],
                3,
            ),
            stack(
                &[
                    "worker",
                    "tokio::run",
                    "exposure_store_embedded::store::commit::commit_frame",
                    "exposure_store_embedded::window::probe",
                ],
                1,
            ),
            stack(&["worker", "start_thread"], 4),
        ];
        let shares = shares(&stacks);
        let share = |name: &str| shares.iter().find(|room| room.name == name).unwrap().share;
        assert!((share("decode") - 0.375).abs() < 1e-9);
        assert!((share("dedupe") - 0.125).abs() < 1e-9);
        assert!((share("rest") - 0.5).abs() < 1e-9);
        assert!((shares.iter().map(|room| room.share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(leaves(&stacks)[0], ("start_thread".to_owned(), 0.5));
    }
}
