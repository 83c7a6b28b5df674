use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};

use crate::{Metadata, User, Variant, VariantSource};

/// Variants from a JSON file that can be read again while it is in use. Cheap to clone.
///
/// The file is an object of flags. Each flag is a variant, and may have others for single users:
///
/// ```json
/// {
///   "checkout": {
///     "key": "control",
///     "experimentKey": "run-2",
///     "metadata": {"flagVersion": 3},
///     "users": {"user-1": {"key": "treatment", "payload": {"color": "blue"}}}
///   },
///   "search": {"key": "off", "default": true}
/// }
/// ```
///
/// A variant has `key`, `value`, `payload`, `experimentKey`, `default` and `metadata`, none of
/// them required. A flag that only has `users` is unknown to everybody else.
#[derive(Clone, Debug)]
pub struct FileSource(Arc<Inner>);

/// Why a file of variants was not taken.
#[derive(Debug, thiserror::Error)]
pub enum FileSourceError {
    /// It can not be read.
    #[error("can not read variants from `{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is not what a file of variants looks like.
    #[error("`{}` is no file of variants: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        reason: String,
    },
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    flags: RwLock<BTreeMap<String, Flag>>,
    last: Mutex<Option<Look>>,
}

#[derive(Debug)]
struct Flag {
    for_all: Option<Variant>,
    for_one: BTreeMap<String, Variant>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    modified: Option<SystemTime>,
    n_bytes: u64,
}

impl FileSource {
    /// Reads the file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileSourceError> {
        let path = path.into();
        let inner = Inner { path, flags: RwLock::default(), last: Mutex::new(None) };
        inner.read()?;
        Ok(Self(Arc::new(inner)))
    }

    /// Looks at the file each `interval` (at least 10 ms) and reads it when it has changed, on a
    /// thread of its own that ends with the source.
    ///
    /// A file that can not be read changes nothing; a warning is logged, once for each change.
    pub fn watch(self, interval: Duration) -> Result<Self, FileSourceError> {
        let interval = interval.max(Duration::from_millis(10));
        let weak = Arc::downgrade(&self.0);
        thread::Builder::new()
            .name("exposure-flags".into())
            .spawn(move || watch(&weak, interval))
            .map_err(|error| FileSourceError::Unreadable { path: self.0.path.clone(), error })?;
        Ok(self)
    }

    /// Reads the file again, now. On an error, what was read before stays.
    pub fn reload(&self) -> Result<(), FileSourceError> {
        self.0.read()
    }
}

impl Inner {
    fn read(&self) -> Result<(), FileSourceError> {
        // Looked at before it is read: a change in between is then seen the next time.
        *self.last.lock() = look(&self.path);
        let text = fs::read_to_string(&self.path)
            .map_err(|error| FileSourceError::Unreadable { path: self.path.clone(), error })?;
        let flags = parse(&text)
            .map_err(|reason| FileSourceError::Malformed { path: self.path.clone(), reason })?;
        *self.flags.write() = flags;
        Ok(())
    }
}

impl VariantSource for FileSource {
    fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
        let flags = self.0.flags.read();
        let flag = flags.get(flag_key)?;
        let own = user.user_id().or(user.device_id()).and_then(|id| flag.for_one.get(id));
        own.or(flag.for_all.as_ref()).cloned()
    }
}

fn watch(source: &Weak<Inner>, interval: Duration) {
    loop {
        thread::sleep(interval);
        let Some(source) = source.upgrade() else { return };
        let changed = look(&source.path) != *source.last.lock();
        if changed && let Err(error) = source.read() {
            tracing::warn!(%error, "the variants read before stay in use");
        }
    }
}

fn look(path: &Path) -> Option<Look> {
    let metadata = fs::metadata(path).ok()?;
    Some(Look { modified: metadata.modified().ok(), n_bytes: metadata.len() })
}

fn parse(text: &str) -> Result<BTreeMap<String, Flag>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Value::Object(flags) = value else {
        return Err("it must be a JSON object of flags".into());
    };
    flags
        .into_iter()
        .map(|(flag_key, flag)| {
            let flag = parse_flag(flag).map_err(|reason| format!("flag `{flag_key}`: {reason}"))?;
            Ok((flag_key, flag))
        })
        .collect()
}

fn parse_flag(flag: Value) -> Result<Flag, String> {
    let Value::Object(mut members) = flag else {
        return Err("must be an object such as {\"key\": \"on\"}".into());
    };
    let mut for_one = BTreeMap::new();
    match members.remove("users") {
        None => {}
        Some(Value::Object(users)) => {
            for (id, variant) in users {
                let Value::Object(variant) = variant else {
                    return Err(format!(
                        "user `{id}`: must be an object such as {{\"key\": \"on\"}}"
                    ));
                };
                let variant =
                    parse_variant(variant).map_err(|reason| format!("user `{id}`: {reason}"))?;
                for_one.insert(id, variant);
            }
        }
        Some(_) => return Err("`users` must be an object of variants by id".into()),
    }
    let for_all = if members.is_empty() { None } else { Some(parse_variant(members)?) };
    Ok(Flag { for_all, for_one })
}

fn parse_variant(members: Map<String, Value>) -> Result<Variant, String> {
    let mut builder = Variant::builder();
    for (name, value) in members {
        builder = match (name.as_str(), value) {
            (_, Value::Null) | ("default", Value::Bool(false)) => builder,
            ("key", Value::String(key)) => builder.key(key),
            ("value", Value::String(value)) => builder.value(value),
            ("payload", payload) => builder.payload(payload),
            ("experimentKey", Value::String(key)) => builder.experiment_key(key),
            ("default", Value::Bool(true)) => builder.default_variant(),
            ("metadata", Value::Object(metadata)) => {
                let metadata =
                    Metadata::from_object(&metadata).map_err(|error| error.to_string())?;
                builder.metadata(metadata)
            }
            ("key" | "value" | "experimentKey", _) => return Err(format!("`{name}` must be text")),
            ("default", _) => return Err("`default` must be true or false".into()),
            ("metadata", _) => return Err("`metadata` must be an object".into()),
            _ => {
                return Err(format!(
                    "`{name}` means nothing; there are key, value, payload, experimentKey, default, metadata and users"
                ));
            }
        };
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
    }

    #[test]
    fn flags_users_and_metadata_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flags.json");
        write(
            &path,
            r#"{"checkout": {"key": "control", "metadata": {"experimentKey": "run-2"},
                "users": {"u1": {"key": "treatment"}, "d1": {"key": "device"}}},
                "search": {"key": "off", "default": true}, "few": {"users": {"u1": {"key": "x"}}}}"#,
        );
        let source = FileSource::open(&path).unwrap();
        let key = |user: &User, flag: &str| {
            source.variant(user, flag).and_then(|variant| variant.key().map(str::to_owned))
        };
        assert_eq!(key(&User::new("u1"), "checkout").as_deref(), Some("treatment"));
        assert_eq!(key(&User::new("u2"), "checkout").as_deref(), Some("control"));
        assert_eq!(key(&User::anonymous("d1"), "checkout").as_deref(), Some("device"));
        assert_eq!(key(&User::new("u2"), "few"), None);
        let everybody = source.variant(&User::new("u2"), "checkout").unwrap();
        assert_eq!(everybody.experiment_key(), Some("run-2"));
        assert!(source.variant(&User::new("u2"), "search").unwrap().is_default());
    }

    #[test]
    fn a_bad_file_changes_nothing_and_says_where() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flags.json");
        write(&path, r#"{"f": {"key": "a"}}"#);
        let source = FileSource::open(&path).unwrap();
        for (bad, says) in [
            ("[]", "object of flags"),
            (r#"{"f": 1}"#, "flag `f`"),
            (r#"{"f": {"key": 1}}"#, "`key` must be text"),
            (r#"{"f": {"kee": "a"}}"#, "`kee` means nothing"),
            (r#"{"f": {"users": {"u": 1}}}"#, "user `u`"),
            ("{", "EOF"),
        ] {
            write(&path, bad);
            let error = source.reload().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert_eq!(source.variant(&User::new("u"), "f"), Some(Variant::new("a")));
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(source.reload(), Err(FileSourceError::Unreadable { .. })));
        assert_eq!(source.variant(&User::new("u"), "f"), Some(Variant::new("a")));
    }

    #[test]
    fn a_watched_file_is_read_when_it_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flags.json");
        write(&path, r#"{"f": {"key": "a"}}"#);
        let source = FileSource::open(&path).unwrap().watch(Duration::ZERO).unwrap();
        write(&path, r#"{"f": {"key": "second"}}"#);
        let mut rounds = 0;
        while source.variant(&User::new("u"), "f") != Some(Variant::new("second")) {
            assert!(rounds < 1000, "never read again");
            rounds += 1;
            thread::sleep(Duration::from_millis(10));
        }
    }
}
