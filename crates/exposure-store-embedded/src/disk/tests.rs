//! The port's helpers and the two test file systems.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::*;

const PATH: &str = "d/file";

fn check_disk(disk: &dyn Disk, dir: &Path) {
    disk.create_dir(dir).unwrap();
    let path = dir.join("a");
    assert_eq!(disk.open(&path, OpenMode::Read).unwrap_err().kind(), io::ErrorKind::NotFound);
    let file = disk.open(&path, OpenMode::CreateNew).unwrap();
    let again = disk.open(&path, OpenMode::CreateNew).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    write_all_at(&*file, b"hello", 3).unwrap();
    file.allocate(4).unwrap();
    assert_eq!(file.len().unwrap(), 8);
    file.allocate(16).unwrap();
    assert_eq!(file.len().unwrap(), 16);
    let mut buf = [9; 8];
    read_exact_at(&*file, &mut buf, 0).unwrap();
    assert_eq!(&buf, b"\0\0\0hello");
    file.truncate(6).unwrap();
    assert_eq!(read_up_to(&*file, &mut buf, 3).unwrap(), 3);
    let short = read_exact_at(&*file, &mut buf, 3).unwrap_err();
    assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    for (offset, len) in [(0, 6), (3, 0), (2, u64::MAX), (u64::MAX, u64::MAX)] {
        file.forget(offset, len);
    }
    assert_eq!(read_up_to(&*file, &mut buf, 0).unwrap(), 6);
    assert_eq!(&buf[..6], b"\0\0\0hel", "advice changes nothing");
    disk.rename(&path, &dir.join("b")).unwrap();
    disk.sync_dir(dir).unwrap();
    assert_eq!(disk.list(dir).unwrap(), [Entry { name: "b".into(), len: 6 }]);
    let read_only = disk.open(&dir.join("b"), OpenMode::Read).unwrap();
    assert!(read_only.write_at(b"x", 0).is_err());
    disk.remove(&dir.join("b")).unwrap();
    assert_eq!(disk.list(dir).unwrap(), []);
}

#[test]
fn both_file_systems_keep_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    check_disk(&RealDisk, &dir.path().join("x/y"));
    check_disk(&MemDisk::new(), Path::new("x/y"));
    check_disk(&FaultyDisk::new(Arc::new(MemDisk::new())), Path::new("x/y"));
}

#[test]
fn short_and_interrupted_transfers_are_continued() {
    for fault in [Fault::Short, Fault::Interrupted] {
        let disk = FaultyDisk::new(Arc::new(MemDisk::new()));
        let file = disk.open(Path::new(PATH), OpenMode::Create).unwrap();
        disk.fail_after(Op::Write, 0, fault);
        disk.fail_after(Op::Write, 1, fault);
        disk.fail_after(Op::Read, 0, fault);
        let bytes: Vec<u8> = (0..=255).collect();
        write_all_at(&*file, &bytes, 7).unwrap();
        let mut back = vec![0; 256];
        read_exact_at(&*file, &mut back, 7).unwrap();
        assert_eq!(back, bytes);
        assert_eq!(disk.n_hits(), 3);
    }
}

#[test]
fn a_full_disk_is_told_from_a_broken_one() {
    let disk = FaultyDisk::new(Arc::new(MemDisk::new()));
    let file = disk.open(Path::new(PATH), OpenMode::Create).unwrap();
    disk.fail_after(Op::Write, 0, Fault::OutOfSpace);
    let full = write_all_at(&*file, b"abcd", 0).unwrap_err();
    assert!(is_out_of_space(&full));
    assert_eq!(file.len().unwrap(), 2, "a full disk leaves a part");
    disk.fail_after(Op::Sync, 0, Fault::Io);
    assert!(!is_out_of_space(&file.sync_data().unwrap_err()));
}

#[test]
fn power_loss_keeps_what_was_synced_and_any_part_of_the_rest() {
    let disk = MemDisk::new();
    let path = Path::new(PATH);
    let dir = Path::new("d");
    let file = disk.open(path, OpenMode::Create).unwrap();
    write_all_at(&*file, &[1; 2048], 0).unwrap();
    file.sync_data().unwrap();
    let n_found = (0..64).filter(|seed| {
        let after = disk.after_power_loss(*seed);
        after.open(path, OpenMode::Read).is_ok()
    });
    assert!(n_found.count() < 64, "a name that was not synced may be gone");
    disk.sync_dir(dir).unwrap();
    write_all_at(&*file, &[2; 2048], 1024).unwrap();
    let mut sizes = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let after = disk.after_power_loss(seed);
        let found = after.open(path, OpenMode::Read).unwrap();
        let mut bytes = vec![0; found.len().unwrap() as usize];
        read_exact_at(&*found, &mut bytes, 0).unwrap();
        assert!(bytes[..1024].iter().all(|byte| *byte == 1));
        assert!(bytes[1024..2048].iter().all(|byte| *byte == 1 || *byte == 2));
        sizes.insert(bytes.iter().map(|byte| usize::from(*byte == 2)).sum::<usize>());
    }
    assert!(sizes.contains(&0) && sizes.contains(&2048) && sizes.len() > 2, "{sizes:?}");
    assert_eq!(disk.after_process_death().list(dir).unwrap()[0].len, 3072);
}

const MIB: u64 = 1 << 20;

/// Streams `n_bytes` in pieces and returns the file's content.
fn stream(disk: &dyn Disk, path: &Path, n_bytes: u64, piece: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..n_bytes).map(|i| (i % 251) as u8).collect();
    let mut stream = Stream::new(disk.open(path, OpenMode::CreateNew).unwrap());
    for piece in bytes.chunks(piece) {
        stream.write(piece).unwrap();
        stream.settle().unwrap();
    }
    assert_eq!(stream.position(), n_bytes);
    let file = stream.finish().unwrap();
    let mut back = vec![0; file.len().unwrap() as usize];
    read_exact_at(&*file, &mut back, 0).unwrap();
    assert!(back == bytes, "what is read is what was written");
    back
}

#[test]
fn a_stream_forgets_all_that_is_durable_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    for (n_bytes, piece) in [(0, 1), (1, 1), (8 * MIB, 1 << 20), (21 * MIB + 5, 700_001)] {
        let disk = MemDisk::new();
        let path = Path::new(PATH);
        stream(&disk, path, n_bytes, piece);
        assert!(!disk.forgot_too_soon());
        let forgotten = disk.forgotten(path);
        assert_eq!(forgotten.first().unwrap().start, 0);
        assert_eq!(forgotten.last().unwrap().end, n_bytes);
        assert!(forgotten.windows(2).all(|pair| pair[0].end == pair[1].start), "{forgotten:?}");
        assert_eq!(forgotten.len() as u64, 1 + n_bytes / (8 * MIB), "{forgotten:?}");
        stream(&RealDisk, &dir.path().join(n_bytes.to_string()), n_bytes, piece);
    }
}

#[test]
fn a_stream_is_durable_up_to_the_last_eight_mebibytes_and_wholly_at_the_end() {
    let memory = MemDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    let file = disk.open(Path::new(PATH), OpenMode::CreateNew).unwrap();
    memory.sync_dir(Path::new("d")).unwrap();
    let mut stream = Stream::new(file);
    for n_pieces in 1..=20 {
        stream.write(&vec![7; MIB as usize]).unwrap();
        stream.settle().unwrap();
        assert_eq!(disk.count(Op::Sync), n_pieces / 8);
    }
    let durable = |seed| {
        let after = memory.after_power_loss(seed);
        after.open(Path::new(PATH), OpenMode::Read).unwrap().len().unwrap()
    };
    assert!((0..8).all(|seed| 16 * MIB <= durable(seed)));
    disk.fail_after(Op::Sync, 0, Fault::Interrupted);
    stream.finish().unwrap();
    assert!((0..8).all(|seed| durable(seed) == 20 * MIB));
    let mut stream = Stream::new(disk.open(Path::new("d/b"), OpenMode::CreateNew).unwrap());
    stream.write(&vec![7; 8 * MIB as usize]).unwrap();
    disk.fail_after(Op::Sync, 0, Fault::Io);
    assert!(stream.settle().is_err());
    assert_eq!(memory.forgotten(Path::new("d/b")), [], "what is not durable is not forgotten");
}
