//! Bodies of other senders, read and admitted: `cargo xtask bench`. Results are in
//! `benches/README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "criterion's macros make the functions; a bench may fail"
)]

mod amplitude;
mod bodies;
mod plain;

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion::criterion_group!(benches, amplitude::all);
criterion::criterion_main!(benches);
