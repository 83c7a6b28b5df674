//! `cargo xtask bench memory`: what a register takes of memory, by shape.

use super::load;
use super::number::{grouped, short};
use super::page::{Page, Table};
use super::workshop::Workshop;
use crate::flags::Memory;
use crate::workspace;

/// Flags of a user, and bytes of a user's id.
const SHAPES: &[(u64, u64)] = &[(10, 15), (10, 36), (1, 15), (1, 36)];

/// Measures and writes `memory.md`.
pub(super) fn run(options: &Memory, workshop: &Workshop) -> anyhow::Result<()> {
    let registers = options.registers.unwrap_or(3_000_000);
    let Workshop { binaries, scratch, out } = workshop;
    let mut table = Table::new(&[
        "flags a user",
        "bytes of an id",
        "registers",
        "profiles, B a register",
        "texts",
        "resident, without the window",
        "window, beside it",
    ]);
    for (flags, id_bytes) in SHAPES {
        let mut command = workspace::command(binaries.path("register_memory"));
        command.arg(scratch.join("store"));
        command.args([registers / flags, *flags, *id_bytes].map(|number| number.to_string()));
        let report = load::run(&mut command)?;
        scratch.clear("store")?;
        let of_each = |name: &str| short(report.number(name) / report.number("registers").max(1.0));
        table.row([
            flags.to_string(),
            id_bytes.to_string(),
            grouped(report.number("registers")),
            of_each("profile_bytes"),
            of_each("text_bytes"),
            of_each("rest_bytes"),
            of_each("window_bytes"),
        ]);
    }
    table.print();
    let mut page = Page::new(
        "Memory of a register",
        &format!("cargo xtask bench memory --registers {registers}"),
    );
    page.paragraph(
        "Every flag of every user was exposed once, with one variant and an insert id of 36 B: a register with its first and last exposure and its count.\n\
         Profiles and texts are what the store counts; resident is what the process has beyond an empty store, and holds buffers and room of tables as well; the window is stated apart, for it grows with what comes in, up to its bound, not with registers.",
    );
    page.table(&table);
    page.write("memory.md", out.as_deref())
}
