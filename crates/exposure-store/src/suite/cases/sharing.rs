use exposure_core::{DeviceLinks, Limits, RawId};

use super::support::{Bench, PROJECT, at, send};
use crate::suite::history::{Break, Event};
use crate::suite::{MakeHarness, block_on};

/// A device with more users than its limit is a shared one, and stays one.
pub fn a_shared_device_stays_one(make: MakeHarness<'_>) {
    let limits = Limits { users_per_device: 3, ..Limits::default() };
    let mut bench = Bench::new(make(), limits);
    let links = |bench: &Bench| {
        let device = RawId::Device("kiosk");
        let profile = block_on(bench.store().profile(PROJECT, device)).expect("is read");
        profile.map(|profile| profile.links).unwrap_or_default()
    };
    for (n, user) in (0..).zip(["c", "a", "b", "a"]) {
        send(&*bench.store(), vec![Event::login(user, "kiosk", at(n))]);
    }
    let users: Vec<String> = links(&bench).spans().iter().map(|s| s.user.to_string()).collect();
    assert_eq!(users, ["a", "b", "c"], "as many users as the limit");
    assert!(matches!(links(&bench), DeviceLinks::Many(_)));
    send(&*bench.store(), vec![Event::login("d", "kiosk", at(9))]);
    assert_eq!(links(&bench), DeviceLinks::Shared);
    send(&*bench.store(), vec![Event::login("e", "kiosk", at(10))]);
    for user in ["a", "b", "c", "d", "e"] {
        // Others were seen on it, even when nothing is known of them any more.
        let n_erased = block_on(bench.store().erase(PROJECT, user, at(100)));
        assert_eq!(n_erased.expect("a user is erased"), 1, "the user alone");
    }
    for how in [Break::None, Break::Kill, Break::Reopen] {
        bench.interrupt(how);
        assert_eq!(links(&bench), DeviceLinks::Shared, "after erases and {how:?}");
    }
}
