//! Ownership equals a brute force over all links, and its shortcuts equal the long way.

use std::collections::BTreeSet;

use exposure_core::{
    AnonymousWrite, Change, DeviceLinks, DeviceShare, Links, Ownership, Registers, Timestamp,
    Variant, Version, user_registers,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const USERS: [&str; 4] = ["ann", "bob", "bo", "é"];

type Login = (i64, &'static str);

fn logins() -> impl Strategy<Value = Vec<Login>> {
    vec((0_i64..8, select(&USERS[..])), 0..10)
}

fn at(time: i64) -> Timestamp {
    Timestamp::from_micros(time)
}

fn links(logins: &[Login]) -> Links {
    let mut links = Links::default();
    for &(time, user) in logins {
        links.add(at(time), user);
    }
    links
}

fn is_shared(logins: &[Login], users_per_device: usize) -> bool {
    logins.iter().map(|(_, user)| user).collect::<BTreeSet<_>>().len() > users_per_device
}

fn write(time: i64, variant: &'static str) -> AnonymousWrite<'static> {
    let version = Version {
        time: at(time),
        sequence: 0,
        change: Change::Set(Variant::trusted(variant)),
        experiment_key: "",
        insert_id: "",
    };
    AnonymousWrite { flag: "f", version }
}

proptest! {
    #[test]
    fn an_anonymous_write_has_the_owner_of_the_rule(
        logins in logins(), time in -1_i64..9, users_per_device in 1_usize..5,
    ) {
        // Equal times: the greater user is the later one, so (time, user) orders links.
        let before = logins.iter().filter(|login| login.0 <= time).max();
        let expected = match before.or_else(|| logins.iter().min()) {
            _ if is_shared(&logins, users_per_device) => Ownership::Shared,
            Some((_, user)) => Ownership::User(user),
            None => Ownership::Unlinked,
        };
        let links = links(&logins);
        prop_assert_eq!(links.owner_at(at(time), users_per_device), expected);
    }

    #[test]
    fn a_device_answers_for_the_user_of_its_latest_link(
        logins in logins(), users_per_device in 1_usize..5,
    ) {
        let expected = match logins.iter().max() {
            _ if is_shared(&logins, users_per_device) => Ownership::Shared,
            Some((_, user)) => Ownership::User(user),
            None => Ownership::Unlinked,
        };
        let links = links(&logins);
        prop_assert_eq!(links.reader(users_per_device), expected);
    }

    #[test]
    fn the_summary_of_links_is_that_of_all_links(
        (logins, shuffled) in logins()
            .prop_flat_map(|logins| (Just(logins.clone()), Just(logins).prop_shuffle())),
        users_per_device in 1_usize..5,
    ) {
        let summary = |logins: &[Login]| {
            let mut summary = DeviceLinks::default();
            for &(time, user) in logins.iter().chain(logins) {
                summary.add(user, at(time), users_per_device);
            }
            summary
        };
        let found = summary(&logins);
        prop_assert_eq!(&summary(&shuffled), &found);
        prop_assert_eq!(found == DeviceLinks::Shared, is_shared(&logins, users_per_device));
        if found == DeviceLinks::Shared {
            return Ok(());
        }
        let users: BTreeSet<&str> = logins.iter().map(|login| login.1).collect();
        prop_assert_eq!(matches!(found, DeviceLinks::One(_)), users.len() == 1);
        prop_assert_eq!(matches!(found, DeviceLinks::Many(_)), users.len() > 1);
        let spans: Vec<_> = found
            .spans()
            .iter()
            .map(|span| (&*span.user, span.earliest.as_micros(), span.latest.as_micros()))
            .collect();
        let expected: Vec<_> = users
            .into_iter()
            .map(|user| {
                let times = || logins.iter().filter(|login| login.1 == user).map(|login| login.0);
                (user, times().min().unwrap_or(0), times().max().unwrap_or(0))
            })
            .collect();
        prop_assert_eq!(spans, expected);
    }

    #[test]
    fn every_write_of_a_device_has_exactly_one_owner(
        logins in logins(),
        times in vec((-1_i64..9, select(&["a", "b", "c"][..])), 0..8),
        users_per_device in 1_usize..5,
    ) {
        let links = links(&logins);
        let writes: Vec<_> = times.iter().map(|&(time, variant)| write(time, variant)).collect();
        let share = || [DeviceShare::Split { links: &links, writes: &writes }];
        let mut owned = Registers::default();
        for user in USERS {
            let registers = user_registers(user, &Registers::default(), share(), users_per_device);
            let expected = times
                .iter()
                .filter(|(time, _)| {
                    links.owner_at(at(*time), users_per_device) == Ownership::User(user)
                })
                .max();
            let held = registers.get("f").map(|held| held.version().time.as_micros());
            prop_assert_eq!(held, expected.map(|(time, _)| *time));
            prop_assert_eq!(registers.get("f").and_then(|r| r.variant()), expected.map(|w| w.1));
            owned.merge_all(&registers);
        }
        let mut all = Registers::default();
        for write in &writes {
            all.merge(write.flag, &write.version);
        }
        let has_owner = !logins.is_empty() && !is_shared(&logins, users_per_device);
        prop_assert_eq!(owned, if has_owner { all } else { Registers::default() });
    }

    #[test]
    fn a_device_of_one_user_needs_no_stored_writes(
        times in vec((-1_i64..9, select(&["a", "b", "c"][..])), 0..8),
        logins in vec(0_i64..8, 1..4),
    ) {
        let logins: Vec<Login> = logins.into_iter().map(|time| (time, "ann")).collect();
        let links = links(&logins);
        let writes: Vec<_> = times.iter().map(|&(time, variant)| write(time, variant)).collect();
        let mut all = Registers::default();
        for write in &writes {
            all.merge(write.flag, &write.version);
        }
        let own = Registers::default();
        let short = user_registers("ann", &own, [DeviceShare::All(&all)], 1);
        let split = [DeviceShare::Split { links: &links, writes: &writes }];
        prop_assert_eq!(short, user_registers("ann", &own, split, 1));
    }
}
