//! Projects, each with a key of its own.

use std::fs;

use super::super::load::{command, run};
use super::super::server::KEY;
use super::point::{Lab, Point};
use super::run::Dimension;
use crate::workspace;

pub(super) const DIMENSION: Dimension = Dimension {
    name: "projects",
    about: "A million registers in all, spread over the projects; unary calls of 1000 events, 8 in flight, each call to the next project.",
    measure,
};

const REGISTERS: u64 = 1_000_000;
const UNARY: &[&str] = &["--mode", "unary", "--batch", "1000", "--in-flight", "8"];

fn measure(lab: &Lab<'_>) -> anyhow::Result<Vec<Point>> {
    let of = |n_projects: u64| {
        lab.with_server(|server| {
            let mut make = workspace::command(lab.binaries.path("make_projects"));
            make.args([&format!("http://127.0.0.1:{}", server.grpc), KEY, &n_projects.to_string()]);
            let keys = workspace::output(&mut make)?;
            let file = lab.scratch.join("keys");
            fs::write(&file, &keys)?;
            let registers = (REGISTERS / n_projects).to_string();
            for key in keys.lines() {
                let mut preload = command(lab.binaries, server.grpc);
                preload.args([
                    "--preload",
                    "--batch",
                    "1000",
                    "--in-flight",
                    "4",
                    "--registers",
                    &registers,
                ]);
                run(preload.env("EXPOSURE_API_KEY", key))?;
            }
            let path = file.to_string_lossy();
            let args = [&["--registers", registers.as_str(), "--keys", &path], UNARY].concat();
            lab.measure(server, n_projects, "unary of 1000", &args)
        })
    };
    [1, 10, 100].into_iter().map(of).collect()
}
