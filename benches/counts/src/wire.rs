//! Decoding of a request.

use std::hint::black_box;

use exposure_proto::decode::{DecodeLimits, IngestRequestRef};

use super::counted::{Part, Result, only_this_is_counted};
use super::events::encoded;

pub(crate) const PARTS: &[Part] = &[
    Part { name: "decode-1", n_events: 1, run: || decode(1) },
    Part { name: "decode-1000", n_events: 1000, run: || decode(1000) },
];

fn decode(n_events: u64) -> Result<()> {
    let bytes = encoded(0, n_events, 100_000);
    let mut n_decoded = 0;
    only_this_is_counted(&mut || {
        let request = IngestRequestRef::decode(black_box(&bytes), DecodeLimits::default());
        n_decoded = request.map_or(0, |request| request.events.len() as u64);
    });
    if n_decoded == n_events { Ok(()) } else { Err("the request was not decoded".into()) }
}
