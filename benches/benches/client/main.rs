//! The client: `cargo bench -p exposure-benches --bench client`. Results are in `benches/README.md`.
#![expect(clippy::unwrap_used, reason = "criterion's macros make the functions; a bench may fail")]

mod delivery;
mod tracking;

criterion::criterion_group!(benches, tracking::all, delivery::all);
criterion::criterion_main!(benches);
