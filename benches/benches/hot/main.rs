//! The hot path, step by step: `cargo xtask bench`. Results are in `benches/README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "criterion's macros make the functions; a bench may fail"
)]

mod events;
mod rpc;
mod steps;
mod stores;

criterion::criterion_group!(benches, steps::all, stores::all, rpc::all);
criterion::criterion_main!(benches);
