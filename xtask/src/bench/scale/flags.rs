//! Flags of a project.

use super::point::{Lab, Point};
use super::run::Dimension;

pub(super) const DIMENSION: Dimension = Dimension {
    name: "flags",
    about: "A million registers in all: the more flags, the fewer users; unary calls of 1000 events, 8 in flight.",
    measure,
};

const REGISTERS: &str = "1000000";
const UNARY: &[&str] = &["--mode", "unary", "--batch", "1000", "--in-flight", "8"];

fn measure(lab: &Lab<'_>) -> anyhow::Result<Vec<Point>> {
    let of = |n_flags: u64| {
        lab.with_server(|server| {
            let flags = n_flags.to_string();
            let shape = ["--registers", REGISTERS, "--flags", &flags];
            lab.fill(server, &shape)?;
            lab.measure(server, n_flags, "unary of 1000", &[&shape, UNARY].concat())
        })
    };
    [1, 10, 100, 1000].into_iter().map(of).collect()
}
