//! Connections, each with one call under way.

use super::point::{Lab, Point};
use super::run::Dimension;

pub(super) const DIMENSION: Dimension = Dimension {
    name: "connections",
    about: "A million registers; on each connection one unary call of 100 events, or of one, is under way at any moment.",
    measure,
};

const REGISTERS: &[&str] = &["--registers", "1000000"];

fn measure(lab: &Lab<'_>) -> anyhow::Result<Vec<Point>> {
    lab.with_server(|server| {
        lab.fill(server, REGISTERS)?;
        let mut points = Vec::new();
        for (name, batch) in [("unary of 100", "100"), ("unary of 1", "1")] {
            for n in [1, 8, 64, 512] {
                let count = n.to_string();
                let args = [
                    "--mode",
                    "unary",
                    "--batch",
                    batch,
                    "--in-flight",
                    &count,
                    "--connections",
                    &count,
                ];
                points.push(lab.measure(server, n, name, &[REGISTERS, &args].concat())?);
            }
        }
        Ok(points)
    })
}
