use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

/// Where the events of a file get an insert id from that came without one: from what reading
/// the same file again repeats, so that an import that begins again sends no event twice.
#[derive(Clone, Debug)]
pub(super) struct Derived(Box<[u8]>);

impl Derived {
    /// Of a file: its name without the directory and `.gz`, because files move and are unpacked.
    pub(super) fn of_file(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        Self(name.strip_suffix(b".gz").unwrap_or(name).into())
    }

    /// Of a stream, which has no name: what tells this import from others.
    pub(super) fn of_stream(import: &str) -> Self {
        // A slash is in no file's name.
        Self(format!("/{import}").into_bytes().into())
    }

    /// The insert id of the event at `index` in the record that stands at `position` of the
    /// file, and has these bytes.
    pub(super) fn insert_id(&self, position: u64, index: u64, record: &[u8]) -> String {
        let mut hash = Xxh3::new();
        hash.update(&(self.0.len() as u64).to_le_bytes());
        hash.update(&self.0);
        hash.update(&position.to_le_bytes());
        hash.update(&index.to_le_bytes());
        hash.update(record);
        format!("import-{:032x}", hash.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_events_apart_and_never_change() {
        let derived = Derived::of_file(Path::new("some/where/events.json.gz"));
        let id = derived.insert_id(17, 0, b"{}");
        // Imports begun before an upgrade go on after it.
        assert_eq!(id, "import-fe0ef6179f79bf07f288206cc8402715");
        let moved = Derived::of_file(Path::new("events.json"));
        assert_eq!(moved.insert_id(17, 0, b"{}"), id);
        for other in [
            derived.insert_id(18, 0, b"{}"),
            derived.insert_id(17, 1, b"{}"),
            derived.insert_id(17, 0, b"{ }"),
            Derived::of_file(Path::new("other.json")).insert_id(17, 0, b"{}"),
            Derived::of_stream("events.json").insert_id(17, 0, b"{}"),
        ] {
            assert_ne!(other, id);
        }
    }
}
