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
