//! A source of variants of one's own, and a closure: `cargo run --example custom_source`.

use std::error::Error;

use exposure_client::provider::LogProvider;
use exposure_client::{ExposureClient, User, Variant, VariantSource, source_fn};

/// Gives a part of the users the treatment, the same ones always.
struct Rollout {
    flag_key: &'static str,
    percent: u64,
}

impl VariantSource for Rollout {
    fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
        // An unknown flag: nothing is tracked.
        if flag_key != self.flag_key {
            return None;
        }
        let id = user.user_id().or(user.device_id())?;
        let bucket =
            id.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte)) % 100;
        if bucket < self.percent {
            Some(Variant::new("treatment"))
        } else {
            // Not in the experiment: tracked as an unset, if it was in before.
            Some(Variant::builder().key("off").default_variant().build())
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let rollout = Rollout { flag_key: "checkout", percent: 50 };
    let client = ExposureClient::builder(rollout).provider(LogProvider::stdout()).build()?;
    for number in 0..4 {
        client.variant(&User::new(format!("user-{number}")), "checkout");
    }
    client.blocking().flush();

    let everybody =
        source_fn(|_: &User, flag_key: &str| (flag_key == "search").then(|| Variant::new("on")));
    let client = ExposureClient::builder(everybody).provider(LogProvider::stdout()).build()?;
    client.variant(&User::anonymous("device-1"), "search");
    client.blocking().flush();
    Ok(())
}
