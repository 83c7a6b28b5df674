//! Another reader of the format finds the same rows, under the names they are documented with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::events::{Row, batch, row};
use crate::disk::{Disk, MemDisk, OpenMode, SplitMix, read_exact_at};
use crate::events::{Events, EventsOptions, Unpaced};

fn read(disk: &MemDisk, path: &Path) -> Bytes {
    let file = disk.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    read_exact_at(&*file, &mut bytes, 0).unwrap();
    bytes.into()
}

fn columns(reader: &SerializedFileReader<Bytes>) -> Vec<BTreeMap<String, Field>> {
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_column_iter().map(|(n, f)| (n.clone(), f.clone())).collect())
        .collect()
}

#[test]
fn another_reader_sees_the_same_events() {
    let disk = MemDisk::new();
    let events =
        Events::open(Arc::new(disk.clone()), Path::new("/data"), EventsOptions::default()).unwrap();
    let mut random = SplitMix::new(2);
    let rows: Vec<Row> = (0..5000).map(|position| row(&mut random, position)).collect();
    events.convert(&batch(&rows), 0..5000, &Unpaced).unwrap();
    let dir = Path::new("/data/events");
    let names: Vec<_> = disk.list(dir).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["0000000000000000.parquet", "MANIFEST"]);
    let reader = SerializedFileReader::new(read(&disk, &dir.join(&names[0]))).unwrap();
    let found = columns(&reader);
    assert_eq!(found.len(), rows.len());
    let text = |row: &BTreeMap<String, Field>, name: &str| match &row[name] {
        Field::Str(text) => Some(text.clone()),
        Field::Null => None,
        other => panic!("{name}: {other:?}"),
    };
    for row in &found {
        let Field::Long(position) = row["position"] else { panic!("{row:?}") };
        let (project, event) = &rows[position as usize];
        assert_eq!(row["project"], Field::UInt(project.0));
        assert_eq!(text(row, "kind").as_deref(), Some(event.kind.as_str()));
        assert_eq!(text(row, "event_type").as_deref(), Some(&*event.event_type));
        let exposed = event.exposed.as_ref();
        assert_eq!(text(row, "flag_key").as_deref(), exposed.map(|key| &*key.flag));
        let variant = exposed.and_then(|key| key.variant.as_deref());
        assert_eq!(text(row, "variant").as_deref(), variant);
        assert_eq!(row["time"], Field::TimestampMicros(event.time.as_micros()));
        assert_eq!(row["received"], Field::TimestampMicros(event.received.as_micros()));
        assert_eq!(row["sequence"], Field::Long(event.sequence));
        let user = match &row["user_uuid"] {
            Field::Null => text(row, "user_id"),
            // This reader shows UUIDs as bytes.
            Field::Bytes(bytes) => {
                let hex = bytes.data().iter().flat_map(|byte| [byte >> 4, byte & 15]);
                let hex: String =
                    hex.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
                Some(hex)
            }
            other => panic!("{other:?}"),
        };
        let expected = event.user.as_deref().map(|user| {
            let is_uuid = user.len() == 36 && user.as_bytes()[8] == b'-';
            if is_uuid { user.replace('-', "") } else { user.to_owned() }
        });
        assert_eq!(user, expected);
        let Field::ListInternal(writes) = &row["writes"] else { panic!("{row:?}") };
        let own = event.writes.first().is_some_and(|write| {
            exposed.is_some_and(|key| key.flag == write.flag && key.variant == write.variant)
        });
        assert_eq!(row["writes_exposed"], Field::Bool(own));
        let expected: Vec<_> = event.writes.iter().skip(usize::from(own)).collect();
        assert_eq!(writes.elements().len(), expected.len());
        for (element, write) in writes.elements().iter().zip(expected) {
            let Field::Group(group) = element else { panic!("{element:?}") };
            let fields: BTreeMap<_, _> =
                group.get_column_iter().map(|(n, f)| (n.clone(), f.clone())).collect();
            assert_eq!(text(&fields, "flag_key").as_deref(), Some(&*write.flag));
            assert_eq!(text(&fields, "variant").as_deref(), write.variant.as_deref());
        }
    }
}

#[test]
fn names_and_types_of_columns_never_change() {
    let disk = MemDisk::new();
    let events =
        Events::open(Arc::new(disk.clone()), Path::new("/data"), EventsOptions::default()).unwrap();
    let mut random = SplitMix::new(2);
    let rows: Vec<Row> = (0..20).map(|position| row(&mut random, position)).collect();
    events.convert(&batch(&rows), 0..20, &Unpaced).unwrap();
    let path = Path::new("/data/links/0000000000000001.parquet");
    let reader = SerializedFileReader::new(read(&disk, path)).unwrap();
    let names: Vec<_> = columns(&reader)[0].keys().cloned().collect();
    let expected = [
        "device_id",
        "device_uuid",
        "position",
        "project",
        "received",
        "time",
        "user_id",
        "user_uuid",
    ];
    assert_eq!(names, expected);
    let path = Path::new("/data/events/0000000000000000.parquet");
    let reader = SerializedFileReader::new(read(&disk, path)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let found: Vec<String> = schema
        .columns()
        .iter()
        .map(|column| {
            let logical = column.logical_type_ref().map(|kind| format!(" {kind:?}"));
            format!(
                "{} {}{}",
                column.path().string(),
                column.physical_type(),
                logical.unwrap_or_default()
            )
        })
        .collect();
    let expected = include_str!("columns.txt");
    assert_eq!(found.join("\n"), expected.trim_end());
}
