//! The window of insert ids: new ids, and ids that it knows.

use std::path::Path;
use std::sync::Arc;

use exposure_store_embedded::disk::MemDisk;
use exposure_store_embedded::window::{Options, Outcome, Window};

use super::counted::{Part, Result, only_this_is_counted};
use super::events::{BEGIN, id};

pub(crate) const PARTS: &[Part] = &[
    Part { name: "window-new-1000", n_events: 1000, run: || probe(RESIDENT, Outcome::New) },
    Part {
        name: "window-duplicate-1000",
        n_events: 1000,
        run: || probe(0, Outcome::Duplicate { conflict: false }),
    },
];

/// Ids that are in the window before.
const RESIDENT: u64 = 100_000;

/// Offers a thousand ids from number `from` on.
fn probe(from: u64, expected: Outcome) -> Result<()> {
    let disk = Arc::new(MemDisk::new());
    let mut window = Window::open(Path::new("window"), disk, Options::default(), BEGIN)?;
    for number in 0..RESIDENT {
        window.check_and_add(id(number), 1, BEGIN, BEGIN, number, &mut 0)?;
    }
    let keys: Vec<u128> = (from..from + 1000).map(id).collect();
    let mut n_expected = 0;
    only_this_is_counted(&mut || {
        for &key in &keys {
            window.prefetch(key, u64::MAX);
        }
        for &key in &keys {
            let outcome =
                window.check_and_add(key, 1, BEGIN, BEGIN, RESIDENT + 1, &mut u64::MAX.clone());
            n_expected += usize::from(outcome.is_ok_and(|outcome| outcome == expected));
        }
    });
    if n_expected == 1000 { Ok(()) } else { Err("the window decided otherwise".into()) }
}
