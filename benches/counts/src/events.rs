//! Events as they come over the wire: 15 B user, 15 B flag, 8 B variant, 36 B insert id.

use exposure_proto::v1::{Event, Exposure, IngestRequest, event::Body};
use prost::Message;

/// The time that the first event of a run has, in microseconds.
pub(crate) const BEGIN: i64 = 1_800_000_000_000_000;

/// `n` fresh exposures from number `from` on, over `users` users of ten flags, encoded.
pub(crate) fn encoded(from: u64, n: u64, users: u64) -> Vec<u8> {
    let events = (from..from + n).map(|number| {
        let register = number.wrapping_mul(0x9E37_79B1) % (users * 10);
        Event {
            user_id: Some(format!("user-{:010}", register / 10)),
            insert_id: Some(uuid(number)),
            time_us: Some(BEGIN + number as i64),
            body: Some(Body::Exposure(Exposure {
                flag_key: Some(format!("experiment-{:04}", register % 10)),
                variant: Some("variant1".into()),
                ..Exposure::default()
            })),
            ..Event::default()
        }
    });
    IngestRequest { events: events.collect(), ..IngestRequest::default() }.encode_to_vec()
}

/// A number without a pattern that differs with `n`.
pub(crate) fn id(n: u64) -> u128 {
    u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

/// A UUID's text that differs with `n`.
pub(crate) fn uuid(n: u64) -> String {
    let hex = format!("{:032x}", id(n));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
