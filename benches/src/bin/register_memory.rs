//! What a register takes of memory, by shape.
//!
//! `register_memory DIR USERS FLAGS ID_BYTES`: every flag of every user is exposed once, with one variant; ids of users
//! have that many bytes. Prints one line of JSON. DIR is a new directory.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;

use exposure_core::{
    Admission, Body, Dialect, EventTime, Exposure, Incoming, Rules, Timestamp, admit,
};
use exposure_store::{Batch, KeyId, Origin, ProjectId, Store as _};
use exposure_store_embedded::{EmbeddedStore, Options};
use futures::executor::block_on;

/// As in the real server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const BATCH: u64 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [directory, users, flags, id_bytes] = args.as_slice() else {
        return Err("give a directory, users, flags, and the bytes of an id".into());
    };
    let (n_users, n_flags, id_bytes) =
        (users.parse::<u64>()?, flags.parse::<u64>()?, id_bytes.parse::<usize>()?);
    let store = EmbeddedStore::open(Options::new(directory), NOW)?;
    let flags: Vec<_> = (0..n_flags).map(|flag| format!("flag-{flag:010}")).collect();
    let empty = resident_bytes()?;
    let n_registers = n_users * n_flags;
    for first in (0..n_registers).step_by(BATCH as usize) {
        let registers = first..(first + BATCH).min(n_registers);
        let texts: Vec<_> = registers
            .map(|register| {
                (user(register / n_flags, id_bytes), register % n_flags, uuid(register))
            })
            .collect();
        commit(&store, &flags, &texts)?;
    }
    let resident = resident_bytes()?.saturating_sub(empty);
    let figures = store.stats().values;
    let figure = |name: &str| figures.iter().find(|it| it.0 == name).map_or(0, |it| it.1);
    let window = figure("window_resident_bytes");
    println!(
        r#"{{"registers":{n_registers},"profile_bytes":{},"text_bytes":{},"window_bytes":{window},"resident_bytes":{resident},"rest_bytes":{}}}"#,
        figure("profile_bytes"),
        figure("text_bytes"),
        resident.saturating_sub(window),
    );
    block_on(store.close())?;
    Ok(())
}

fn commit(
    store: &EmbeddedStore,
    flags: &[String],
    texts: &[(String, u64, String)],
) -> Result<(), Box<dyn Error>> {
    let rules = Rules::new(Dialect::Native, NOW);
    let incoming: Vec<_> = texts
        .iter()
        .map(|(user, flag, insert_id)| Incoming {
            user_id: Some(user),
            time: EventTime::At(NOW),
            insert_id: Some(insert_id),
            body: Body::Exposure(Exposure {
                flag_key: flags.get(*flag as usize).map(String::as_str),
                variant: Some("variant1"),
                ..Exposure::default()
            }),
            ..Incoming::default()
        })
        .collect();
    let mut events = Vec::with_capacity(incoming.len());
    for incoming in &incoming {
        match admit(incoming, &rules)? {
            Admission::Event(event) => events.push(event),
            Admission::Ignored => return Err("an event is none".into()),
        }
    }
    let origin = Origin { project: ProjectId(1), key: KeyId(1), received: NOW, now: NOW };
    let results = block_on(store.commit(&Batch { origin, events: &events, rejects: &[] }))?;
    if results.len() == texts.len() { Ok(()) } else { Err("not every event was committed".into()) }
}

/// A user's id of so many bytes.
fn user(number: u64, id_bytes: usize) -> String {
    format!("u-{number:0width$}", width = id_bytes.saturating_sub(2))
}

fn uuid(number: u64) -> String {
    let id = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
    Ok(kib.parse::<u64>()? * 1024)
}
