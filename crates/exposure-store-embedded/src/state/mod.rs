//! The resident state: profiles in shards, and the ledger of counts beside them.

mod absorb;
mod apply;
mod arrivals;
mod block;
mod cell;
mod cell_bytes;
mod cell_bytes_v1;
mod insert_text;
mod ledger;
mod more;
mod profile;
mod shard;
mod table;
mod view;

pub(crate) use absorb::{absorb, empty, intern_texts, settled_of};
pub(crate) use apply::{Change, apply_event};
pub(crate) use arrivals::Arrival;
pub(crate) use block::{decode_profile, encode_profile, peek_key};
pub(crate) use insert_text::{InsertText, LongTexts};
pub(crate) use ledger::{Ledger, UsageKey};
pub(crate) use profile::Profile;
pub(crate) use shard::{ColdRef, Found, N_SECTIONS, N_SHARDS, Shard, shard_of};
pub(crate) use view::{hash_profile, profile_state};
