//! Registers: users, with ten flags each.

use super::point::{Lab, Point};
use super::run::Dimension;

pub(super) const DIMENSION: Dimension = Dimension {
    name: "registers",
    about: "Ten flags of each user, one project; unary calls of 1000 events, 8 in flight over 4 connections.",
    measure,
};

const UNARY: &[&str] = &["--mode", "unary", "--batch", "1000", "--in-flight", "8"];

fn measure(lab: &Lab<'_>) -> anyhow::Result<Vec<Point>> {
    let mut points = Vec::new();
    let mut registers = 100_000;
    while registers <= lab.max_registers {
        points.extend(lab.with_server(|server| {
            let empty = server.process.resident_bytes();
            let count = registers.to_string();
            let of_all = [&["--registers", count.as_str()], UNARY].concat();
            lab.fill(server, &["--registers", &count])?;
            let window = server.figure("window_resident_bytes");
            let resident = server.process.resident_bytes().saturating_sub(empty + window);
            let mut uniform = lab.measure(server, registers, "uniform users", &of_all)?;
            uniform.register_bytes = Some(resident as f64 / registers as f64);
            let mut points = vec![uniform];
            if let Some(theta) = &lab.zipf {
                let by_zipf = [&of_all[..], &["--zipf", theta]].concat();
                points.push(lab.measure(server, registers, "users by Zipf", &by_zipf)?);
            }
            Ok(points)
        })?);
        registers *= 10;
    }
    Ok(points)
}
