//! The binary `exposure`.
fn main() {}
