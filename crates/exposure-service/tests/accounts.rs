//! What clients say became of all that they tracked.
#![cfg(test)]

mod common;

use std::collections::BTreeMap;

use common::{Bench, all_pages, at};
use exposure_core::ErrorCode;
use exposure_service::{
    AccountFigures, DropReason, IngestRequest, ReportedAccount, ReportedProvider, Scope,
    SenderAccount, Settings,
};
use exposure_store::suite::history::Event;
use exposure_testkit::block_on;
use proptest::prelude::*;
use proptest::sample::Index;

fn report(bench: &Bench, library: &str, account: &ReportedAccount<'_>) {
    bench.handle.report_account(&bench.caller, library, account).unwrap();
}

/// The accounts by library, of those that have one.
fn accounts(bench: &Bench) -> BTreeMap<String, SenderAccount> {
    let senders = all_pages(1, |page| block_on(bench.handle.senders(&bench.caller, page)));
    senders.into_iter().filter_map(|it| Some((it.sent.library.into(), it.account?))).collect()
}

/// An account that closes: so much delivered, repeated, dropped, pending.
fn account(
    client_id: &str,
    [delivered, deduplicated, dropped, pending]: [i64; 4],
) -> ReportedAccount<'_> {
    let by_reason = vec![(DropReason::QueueFull, dropped)];
    ReportedAccount {
        client_id,
        tracked: delivered + deduplicated + dropped + pending,
        delivered,
        deduplicated,
        dropped: by_reason.clone(),
        pending,
        providers: vec![ReportedProvider {
            name: "exposure",
            required: true,
            offered: delivered + dropped + pending,
            delivered,
            dropped: by_reason,
            pending,
        }],
        ..ReportedAccount::default()
    }
}

#[test]
fn the_last_accounts_of_all_clients_add_up_by_sender() {
    let bench = Bench::new();
    assert_eq!(accounts(&bench), BTreeMap::new());
    let event = Event::exposure("ann", "flag", Some("on"), at(0));
    let request = IngestRequest { library: "silent/1", ..IngestRequest::default() };
    bench.send_as(&bench.caller, &request, &[event]).unwrap();

    report(&bench, "shop/1", &account("a", [1, 0, 0, 5]));
    report(&bench, "shop/1", &account("a", [8, 1, 0, 0]));
    bench.clock.set(at(1000));
    let mut other = account("b", [1, 0, 2, 3]);
    (other.tracked, other.recovered) = (other.tracked + 1, 4);
    other.dropped.push((DropReason::Other, 1));
    other.providers[0].required = false;
    other.providers.push(ReportedProvider { name: "log", ..ReportedProvider::default() });
    report(&bench, "shop/1", &other);
    report(&bench, "cart/2", &account("a", [0, 0, 0, 0]));

    let all = accounts(&bench);
    assert_eq!(all.keys().collect::<Vec<_>>(), ["cart/2", "shop/1"], "the silent one has none");
    let shop = &all["shop/1"];
    assert_eq!((shop.clients, shop.evicted, shop.ignored), (2, 0, 0));
    assert_eq!(shop.last_report, Some(at(1000)));
    let figures = &shop.figures;
    assert_eq!((figures.tracked, figures.delivered, figures.deduplicated), (16, 9, 1));
    assert_eq!((figures.pending, figures.recovered), (3, 4));
    let dropped: Vec<_> = figures.dropped.iter().collect();
    assert_eq!(dropped, [(DropReason::Other, 1), (DropReason::QueueFull, 2)]);
    assert!((figures.loss_share() - 3.0 / 13.0).abs() < 1e-12);
    let provider = figures.providers["exposure"];
    assert_eq!((provider.required, provider.offered, provider.delivered), (true, 14, 9));
    assert_eq!((provider.dropped.total(), provider.pending), (2, 3));
    assert!(!figures.providers["log"].required);
    // One name of a client under two libraries is two clients.
    assert_eq!((all["cart/2"].clients, all["cart/2"].figures.tracked), (1, 0));
    assert!(all["cart/2"].figures.loss_share().abs() < f64::EPSILON, "nothing came to an end");

    let figures = block_on(bench.handle.sender_figures()).unwrap();
    let names: Vec<_> = figures[0].senders.iter().map(|it| &*it.sent.library).collect();
    assert_eq!(names, ["cart/2", "shop/1", "silent/1"]);

    // After a restart each client counts again from its next report.
    let again = bench.reopen();
    assert_eq!(accounts(&again), BTreeMap::new());
    report(&again, "shop/1", &account("a", [9, 1, 0, 0]));
    assert_eq!(accounts(&again)["shop/1"].figures.tracked, 10);
}

#[test]
fn any_key_that_may_send_may_report_and_no_other() {
    let bench = Bench::new();
    let sender = bench.key(&[Scope::Ingest]);
    bench.handle.report_account(&sender, "a", &account("c", [1, 0, 0, 0])).unwrap();
    let reader = bench.key(&[Scope::Read, Scope::Admin]);
    let error = bench.handle.report_account(&reader, "b", &account("c", [1, 0, 0, 0])).unwrap_err();
    assert_eq!(error.code, ErrorCode::PermissionDenied);
    assert_eq!(accounts(&bench).len(), 1);
}

#[test]
fn what_can_not_be_true_is_counted_and_ignored() {
    let long = "é".repeat(65);
    let good = || account("c", [3, 2, 1, 4]);
    let provider = || good().providers.remove(0);
    let with =
        |part: ReportedProvider<'static>| ReportedAccount { providers: vec![part], ..good() };
    let many = |reason| vec![(reason, 0); 33];
    let cases = [
        ("no id", ReportedAccount { client_id: "", ..good() }),
        ("a long id", ReportedAccount { client_id: &long, ..good() }),
        ("an id of two lines", ReportedAccount { client_id: "a\nb", ..good() }),
        ("more than was kept", ReportedAccount { is_cut: true, ..good() }),
        ("many providers", ReportedAccount { providers: vec![provider(); 17], ..good() }),
        ("many reasons", ReportedAccount { dropped: many(DropReason::Other), ..good() }),
        (
            "many reasons of a provider",
            with(ReportedProvider { dropped: many(DropReason::Other), ..provider() }),
        ),
        ("a provider without a name", with(ReportedProvider { name: "", ..provider() })),
        ("a negative count", ReportedAccount { tracked: -1, delivered: -8, ..good() }),
        (
            "a negative drop",
            ReportedAccount { tracked: 8, dropped: vec![(DropReason::Closed, -1)], ..good() },
        ),
        ("a sum too great", ReportedAccount { tracked: 11, ..good() }),
        ("a sum too small", ReportedAccount { tracked: 9, ..good() }),
        (
            "a sum of nothing",
            ReportedAccount { delivered: i64::MAX, deduplicated: i64::MAX, tracked: 3, ..good() },
        ),
        (
            "drops past 64 bits",
            ReportedAccount {
                tracked: 8,
                dropped: vec![(DropReason::Other, i64::MAX); 3],
                ..good()
            },
        ),
        ("more recovered than tracked", ReportedAccount { recovered: 11, ..good() }),
        ("a provider that does not close", with(ReportedProvider { offered: 9, ..provider() })),
    ];
    let bench = Bench::new();
    for (n_before, (name, case)) in cases.iter().enumerate() {
        report(&bench, "shop/1", case);
        let account = &accounts(&bench)["shop/1"];
        let expected = SenderAccount { ignored: n_before as u64 + 1, ..SenderAccount::default() };
        assert_eq!(*account, expected, "{name}");
    }
    // At the bounds it is taken, and so are the greatest counts there are.
    let greatest =
        ReportedAccount { tracked: i64::MAX, delivered: i64::MAX, ..account(&long[2..], [0; 4]) };
    let bounds = ReportedAccount {
        dropped: vec![(DropReason::Other, 0); 32],
        providers: vec![ReportedProvider { name: &long[2..], ..ReportedProvider::default() }; 16],
        ..greatest
    };
    for library in ["shop/1", "shop/1", "big/1"] {
        report(&bench, library, &bounds);
        report(&bench, library, &ReportedAccount { client_id: "x", ..bounds.clone() });
        report(&bench, library, &ReportedAccount { client_id: "y", ..bounds.clone() });
    }
    let account = &accounts(&bench)["shop/1"];
    assert_eq!((account.clients, account.figures.delivered), (3, u64::MAX), "sums saturate");
}

#[test]
fn clients_and_providers_are_bounded() {
    let bench = Bench::with(Settings { max_reporting_clients: 3, ..Settings::default() });
    for id in ["a", "b", "c"] {
        report(&bench, id, &account(id, [1, 0, 0, 0]));
    }
    // An older account, and yet a report: `a` is not the one that reported longest ago.
    report(&bench, "a", &account("a", [0, 0, 0, 0]));
    report(&bench, "d", &account("d", [1, 0, 0, 0]));
    let kept = |bench: &Bench| -> Vec<_> {
        accounts(bench).into_iter().map(|(library, it)| (library, it.clients, it.evicted)).collect()
    };
    let row = |library: &str, clients, evicted| (library.to_owned(), clients, evicted);
    assert_eq!(kept(&bench), [row("a", 1, 0), row("b", 0, 1), row("c", 1, 0), row("d", 1, 0)]);
    report(&bench, "b", &account("b", [2, 0, 0, 0]));
    assert_eq!(kept(&bench), [row("a", 1, 0), row("b", 1, 1), row("c", 0, 1), row("d", 1, 0)]);

    let bench = Bench::new();
    let names: Vec<_> = (0..200).map(|n| format!("provider-{n:03}")).collect();
    for (n, names) in names.chunks(10).enumerate() {
        let provider =
            |name| ReportedProvider { name, offered: 1, delivered: 1, ..Default::default() };
        let id = n.to_string();
        let providers = names.iter().map(|name| provider(name.as_str())).collect();
        report(&bench, "l", &ReportedAccount { providers, ..account(&id, [0; 4]) });
    }
    let providers = &accounts(&bench)["l"].figures.providers;
    assert_eq!((providers.len(), providers["(other)"].offered), (65, 136));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Accounts may come in any order and any number of times: the last one stands.
    #[test]
    fn reordering_never_regresses(
        steps in prop::collection::vec((0_u8..4, 1_i64..5), 1..12),
        order in prop::collection::vec(any::<Index>(), 0..40),
    ) {
        let mut held = [0_i64; 4];
        let mut history = Vec::new();
        for (step, n) in steps {
            let [delivered, deduplicated, dropped, pending] = &mut held;
            let ended = (*pending).min(n);
            match step {
                0 => *pending += n,
                1 => (*delivered, *pending) = (*delivered + ended, *pending - ended),
                2 => (*dropped, *pending) = (*dropped + ended, *pending - ended),
                _ => *deduplicated += n,
            }
            history.push(held);
        }
        let bench = Bench::new();
        let mut last = 0;
        for index in order {
            let at = index.index(history.len());
            last = last.max(at);
            report(&bench, "l", &account("c", history[at]));
            let figures = &accounts(&bench)["l"].figures;
            let expected = one(history[last]);
            prop_assert_eq!(figures, &expected);
        }
    }
}

/// The figures of one account alone.
fn one(counts: [i64; 4]) -> AccountFigures {
    let bench = Bench::new();
    report(&bench, "l", &account("c", counts));
    accounts(&bench)["l"].figures.clone()
}
