//! What is written and read once does not stay in memory.

use std::path::Path;
use std::sync::Arc;

use super::events::{Row, batch, row};
use crate::disk::{Disk, MemDisk, SplitMix};
use crate::events::{Events, EventsOptions, Retention, Unpaced};

const DIR: &str = "/data";
const MIB: u64 = 1 << 20;
/// Rows of a file.
const N: u64 = 18_000;

/// Rows with event types that hardly repeat and hardly compress, so that a row group ends with each page.
fn rows(from: u64, n: u64) -> Vec<Row> {
    let mut random = SplitMix::new(from);
    let mut rows: Vec<Row> = (from..from + n).map(|position| row(&mut random, position)).collect();
    for (_, event) in &mut rows {
        let words = (0..48).map(|_| format!("{:016x}", random.next_u64()));
        event.event_type = words.collect::<String>().into();
    }
    rows
}

#[test]
fn large_files_are_forgotten_as_they_are_written_and_merged() {
    let disk = MemDisk::new();
    let options = EventsOptions { merge_width: 2, ..EventsOptions::default() };
    let events = Events::open(Arc::new(disk.clone()), Path::new(DIR), options).unwrap();
    for from in [0, N] {
        events.convert(&batch(&rows(from, N)), from..from + N, &Unpaced).unwrap();
    }
    let dir = Path::new(DIR).join("events");
    let large = || {
        let entries = disk.list(&dir).unwrap().into_iter().filter(|entry| 8 * MIB < entry.len);
        entries.map(|entry| (dir.join(entry.name), entry.len)).collect::<Vec<_>>()
    };
    let inputs = large();
    assert_eq!(inputs.len(), 2);
    let written = |path: &Path| {
        // A second walk through the file begins with its first byte again.
        let forgotten = disk.forgotten(path);
        let n = forgotten.iter().skip(1).take_while(|range| range.start != 0).count();
        let mut written = forgotten;
        let read = written.split_off(1 + n);
        (written, read)
    };
    for (path, len) in &inputs {
        let (written, read) = written(path);
        assert!(2 <= written.len() && written.last().unwrap().end == *len, "{written:?}");
        assert!(written.windows(2).all(|pair| pair[0].end == pair[1].start), "{written:?}");
        assert_eq!(read, []);
    }
    assert!(events.merge(&Retention::ALL, &Unpaced).unwrap());
    for (path, len) in large() {
        let (written, read) = written(&path);
        assert_eq!(written.last().unwrap().end, len, "{written:?}");
        let is_input = inputs.iter().any(|(_, of_input)| *of_input == len);
        let n_read: u64 = read.iter().map(|range| range.end - range.start).sum();
        assert_eq!(8 * MIB <= n_read, is_input, "{} of {len}: {read:?}", path.display());
    }
    assert_eq!(large().len(), 3, "the merged file is there too");
    assert!(!disk.forgot_too_soon());
    events.remove_gone(&Unpaced).unwrap();
    events.verify().unwrap();
    assert_eq!(events.stats().n_events, 2 * N);
}
