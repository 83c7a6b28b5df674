//! Exposures over time: named time zones, ranges, pages.
#![cfg(test)]

mod common;

use common::Bench;
use exposure_core::{ErrorCode, Timestamp};
use exposure_service::{FlagExposures, IngestRequest, Interval, Page, SeriesQuery, Settings};
use exposure_store::suite::history::Event;
use exposure_testkit::block_on;

fn time(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

/// A bench in the future of all events.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.clock.set(time("2027-01-01T00:00:00Z"));
    bench
}

fn see(user: &str, variant: &str, at: &str) -> Event {
    Event::exposure(user, "flag", Some(variant), time(at))
}

fn asked(time_zone: &str) -> SeriesQuery {
    SeriesQuery { flag_key: "flag".into(), time_zone: time_zone.into(), ..SeriesQuery::default() }
}

fn series(bench: &Bench, asked: &SeriesQuery) -> FlagExposures {
    block_on(bench.handle.flag_exposures(&bench.caller, asked, &Page::default())).unwrap()
}

/// Start of the bucket, then for each variant its new profiles, all so far, and exposures.
type Row = (String, Vec<(String, u64, u64, u64)>);

fn rows(found: &FlagExposures) -> Vec<Row> {
    let start =
        |time: Timestamp| jiff::Timestamp::from_microsecond(time.as_micros()).unwrap().to_string();
    found
        .buckets
        .iter()
        .map(|bucket| {
            let variants = bucket.variants.iter().map(|v| {
                (v.variant.to_string(), v.new_profiles, v.cumulative_profiles, v.exposures)
            });
            (start(bucket.start), variants.collect())
        })
        .collect()
}

fn row(start: &str, variants: &[(&str, u64, u64, u64)]) -> Row {
    let variants = variants.iter().map(|&(name, new, all, n)| (name.to_owned(), new, all, n));
    (start.to_owned(), variants.collect())
}

#[test]
fn days_begin_at_midnight_of_the_time_zone() {
    let bench = bench();
    bench.send(&[
        see("ann", "on", "2026-03-01T18:14:59Z"),
        see("bob", "on", "2026-03-01T18:15:00Z"),
        see("ann", "on", "2026-03-01T23:00:00Z"),
    ]);
    let kathmandu = series(&bench, &asked("Asia/Kathmandu"));
    let expected = [
        row("2026-02-28T18:15:00Z", &[("on", 1, 1, 1)]),
        row("2026-03-01T18:15:00Z", &[("on", 1, 2, 2)]),
    ];
    assert_eq!(rows(&kathmandu), expected);
    assert_eq!((kathmandu.profiles, kathmandu.jumpers), (2, 0));
    let utc = series(&bench, &asked(""));
    assert_eq!(rows(&utc), [row("2026-03-01T00:00:00Z", &[("on", 2, 2, 3)])]);
    let hours = SeriesQuery { interval: Interval::Hour, ..asked("Asia/Kathmandu") };
    let expected = [
        row("2026-03-01T17:15:00Z", &[("on", 1, 1, 1)]),
        row("2026-03-01T18:15:00Z", &[("on", 1, 2, 1)]),
        row("2026-03-01T22:15:00Z", &[("on", 0, 2, 1)]),
    ];
    assert_eq!(rows(&series(&bench, &hours)), expected);
}

#[test]
fn a_day_may_have_23_or_25_hours() {
    let bench = bench();
    bench.send(&[
        // The last moment and the first one of the day that begins the summer, and its end.
        see("a", "on", "2026-03-28T22:59:59Z"),
        see("b", "on", "2026-03-28T23:00:00Z"),
        see("c", "on", "2026-03-29T21:59:59Z"),
        see("d", "on", "2026-03-29T22:00:00Z"),
        // The same of the day that ends it.
        see("e", "on", "2026-10-24T22:00:00Z"),
        see("f", "on", "2026-10-25T22:59:59Z"),
        see("g", "on", "2026-10-25T23:00:00Z"),
    ]);
    let expected = [
        row("2026-03-27T23:00:00Z", &[("on", 1, 1, 1)]),
        row("2026-03-28T23:00:00Z", &[("on", 2, 3, 2)]),
        row("2026-03-29T22:00:00Z", &[("on", 1, 4, 1)]),
        row("2026-10-24T22:00:00Z", &[("on", 2, 6, 2)]),
        row("2026-10-25T23:00:00Z", &[("on", 1, 7, 1)]),
    ];
    assert_eq!(rows(&series(&bench, &asked("Europe/Berlin"))), expected);
}

#[test]
fn profiles_are_counted_once_for_each_variant_under_the_links_of_today() {
    let bench = bench();
    let anonymous = |variant, at| see("", variant, at).anonymous("d1");
    bench.send(&[
        see("ann", "off", "2026-01-02T00:00:00Z"),
        anonymous("on", "2026-01-01T00:00:00Z"),
        anonymous("on", "2026-01-05T00:00:00Z"),
        Event::exposure("ann", "flag", None, time("2026-01-06T00:00:00Z")),
    ]);
    assert_eq!(series(&bench, &asked("")).profiles, 2);
    bench.send(&[
        Event::login("ann", "d1", time("2026-01-03T00:00:00Z")),
        Event::login("bob", "d1", time("2026-01-04T00:00:00Z")),
    ]);
    let found = series(&bench, &asked(""));
    assert_eq!((found.profiles, found.jumpers), (2, 1));
    let expected = [
        row("2026-01-01T00:00:00Z", &[("on", 1, 1, 1)]),
        row("2026-01-02T00:00:00Z", &[("off", 1, 1, 1), ("on", 0, 1, 0)]),
        row("2026-01-05T00:00:00Z", &[("off", 0, 1, 0), ("on", 1, 2, 1)]),
    ];
    assert_eq!(rows(&found), expected);
}

#[test]
fn what_is_outside_of_the_range_is_as_if_it_had_never_been() {
    let bench = bench();
    bench.send(&[
        see("ann", "on", "2026-01-01T00:00:00Z"),
        see("ann", "on", "2026-01-03T00:00:00Z"),
        see("ann", "off", "2026-01-05T00:00:00Z"),
        see("bob", "on", "2026-01-02T00:00:00Z"),
        see("cyn", "on", "2026-01-01T00:00:00Z"),
        see("cyn", "on", "2026-01-09T00:00:00Z"),
    ]);
    let range = |from: &str, to: &str| SeriesQuery {
        from: Some(time(from)),
        to: Some(time(to)),
        ..asked("")
    };
    let found = series(&bench, &range("2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z"));
    assert_eq!((found.profiles, found.jumpers), (2, 0));
    let expected = [
        row("2026-01-02T00:00:00Z", &[("on", 1, 1, 1)]),
        row("2026-01-03T00:00:00Z", &[("on", 1, 2, 1)]),
    ];
    assert_eq!(rows(&found), expected);
    let all = series(&bench, &range("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"));
    let open = series(&bench, &asked(""));
    assert_eq!((rows(&all), all.profiles, all.jumpers), (rows(&open), open.profiles, open.jumpers));
    assert_eq!(series(&bench, &range("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z")).buckets, []);
}

#[test]
fn a_late_exposure_changes_the_closed_day_it_belongs_to() {
    let bench = bench();
    bench.send(&[see("ann", "on", "2026-01-05T00:00:00Z")]);
    let import =
        IngestRequest { received: Some(time("2026-01-01T12:00:00Z")), ..Default::default() };
    let late = [see("ann", "on", "2026-01-01T00:00:00Z")];
    bench.send_as(&bench.caller, &import, &late).unwrap();
    let expected = [
        row("2026-01-01T00:00:00Z", &[("on", 1, 1, 1)]),
        row("2026-01-05T00:00:00Z", &[("on", 0, 1, 1)]),
    ];
    assert_eq!(rows(&series(&bench, &asked(""))), expected);
}

#[test]
fn bad_questions_name_the_field() {
    let bench = bench();
    bench.send(&[
        see("ann", "on", "2026-01-01T00:00:00Z"),
        see("ann", "on", "2026-01-02T00:00:00Z"),
    ]);
    let ask = |asked: &SeriesQuery, page: &Page| {
        block_on(bench.handle.flag_exposures(&bench.caller, asked, page))
    };
    let backwards = SeriesQuery {
        from: Some(Timestamp::from_micros(2)),
        to: Some(Timestamp::from_micros(1)),
        ..asked("")
    };
    let first = ask(&asked(""), &Page::first(1)).unwrap();
    assert!(!first.next_page_token.is_empty());
    let other_list = Page::after(1, first.next_page_token.clone());
    let forged = Page::after(1, first.next_page_token.replace('0', "1"));
    for (query, page, field) in [
        (asked("Mars/Base"), Page::default(), "time_zone"),
        (SeriesQuery::default(), Page::default(), "flag_key"),
        (backwards, Page::default(), "end_time_us"),
        (asked(""), Page::first(-1), "page_size"),
        (asked(""), Page::after(1, "xyz"), "page_token"),
        (asked(""), Page::after(1, "00"), "page_token"),
        (asked(""), forged, "page_token"),
        (asked("Europe/Berlin"), other_list.clone(), "page_token"),
    ] {
        let error = ask(&query, &page).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{query:?} {page:?}");
    }
    assert_eq!(ask(&asked(""), &other_list).unwrap().buckets.len(), 1);
}

#[test]
fn few_questions_read_everything_at_once() {
    let bench = Bench::with(Settings { max_scans: 0, ..Settings::default() });
    let page = Page::default();
    let error =
        block_on(bench.handle.flag_exposures(&bench.caller, &asked(""), &page)).unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    assert!(error.retry_after.is_some());
}
