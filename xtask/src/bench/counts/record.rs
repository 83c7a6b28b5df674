//! `benches/counts.toml`: the counts that stand, and what they were counted with.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use toml::{Table, Value};

use super::callgrind::Count;
use super::setting::Setting;
use crate::workspace;

/// The recorded counts, by the parts' names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) setting: Setting,
    pub(super) counts: BTreeMap<String, u64>,
}

const HEAD: &str = "# Instructions of the hot path's parts: `cargo xtask bench counts --record` writes this file.\n\
                    # `cargo xtask test` fails where one of them has risen by 5 %.\n";

impl Record {
    /// What was counted just now.
    pub(super) fn new(setting: Setting, counts: &[Count]) -> Self {
        let counts = counts.iter().map(|count| (count.name.clone(), count.instructions));
        Self { setting, counts: counts.collect() }
    }

    /// Reads the file.
    pub(super) fn read() -> anyhow::Result<Self> {
        let text = fs::read_to_string(path()).context("failed to read benches/counts.toml")?;
        Self::parse(&text).context("benches/counts.toml is not as it was written")
    }

    /// Writes the file.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        fs::write(path(), self.text()).context("failed to write benches/counts.toml")?;
        println!("written: {}", path().display());
        Ok(())
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let file: Table = text.parse()?;
        let table = |name: &str| {
            file.get(name).and_then(Value::as_table).with_context(|| format!("no [{name}]"))
        };
        let of = table("counted-with")?;
        let with = |name: &str| {
            let value = of.get(name).and_then(Value::as_str).map(str::to_owned);
            value.with_context(|| format!("no {name}"))
        };
        let setting = Setting {
            rustc: with("rustc")?,
            libc: with("libc")?,
            valgrind: with("valgrind")?,
            processor: with("processor")?,
        };
        let counts = table("instructions")?.iter().map(|(name, value)| {
            let count = value.as_integer().and_then(|count| u64::try_from(count).ok());
            Ok((name.clone(), count.with_context(|| format!("{name} is no count"))?))
        });
        Ok(Self { setting, counts: counts.collect::<anyhow::Result<_>>()? })
    }

    fn text(&self) -> String {
        let Setting { rustc, libc, valgrind, processor } = &self.setting;
        let mut text = format!(
            "{HEAD}\n[counted-with]\nrustc = {rustc:?}\nlibc = {libc:?}\nvalgrind = {valgrind:?}\nprocessor = {processor:?}\n\n[instructions]\n"
        );
        for (name, count) in &self.counts {
            text.push_str(&[name, " = ", &count.to_string(), "\n"].concat());
        }
        text
    }
}

fn path() -> PathBuf {
    workspace::root().join("benches/counts.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let counts = [Count { name: "decode-1".to_owned(), n_events: 1, instructions: 1320 }];
        let record = Record::new(Setting::read(), &counts);
        assert_eq!(Record::parse(&record.text()).unwrap(), record);
        assert!(Record::parse("[instructions]\ndecode-1 = 1\n").is_err());
    }
}
