use std::collections::BTreeMap;
use std::fs;

use super::flags::ServeFlags;
use super::settings::{SPECS, Spec};
use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A flag of the command line.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
    /// A file.
    File(String),
    /// Nothing said otherwise.
    Default,
}

/// Every setting as text, and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(super) values: BTreeMap<&'static str, (String, Origin)>,
}

impl Resolved {
    /// What flags, variables and the file say, in this order.
    pub(crate) fn new(flags: &ServeFlags, environment: &Environment) -> Result<Self> {
        let path = flags.config.as_deref().or(environment.get("EXPOSURE_CONFIG"));
        let file = path.map(read_file).transpose()?.unwrap_or_default();
        let resolve = |spec: &Spec| {
            let (flag, variable) = (spec.flag(), spec.variable());
            if let Some(text) = flags.given.get(spec.name) {
                return (text.clone(), Origin::Flag(format!("--{flag}")));
            }
            if let Some(text) = environment.get(&variable) {
                return (text.to_owned(), Origin::Variable(variable));
            }
            if let Some(text) = file.get(spec.name) {
                return (text.clone(), Origin::File(path.unwrap_or_default().to_owned()));
            }
            (spec.default.to_owned(), Origin::Default)
        };
        let values = SPECS.iter().map(|spec| (spec.name, resolve(spec))).collect();
        Ok(Self { values })
    }

    /// The value of a setting.
    pub(super) fn value<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T> {
        let text = self.values.get(name).map_or("", |(text, _)| text);
        parse(text).map_err(|expected| self.wrong(name, &expected))
    }

    /// A setting that can not be what it is.
    pub(super) fn wrong(&self, name: &str, expected: &str) -> Failure {
        let Some((text, origin)) = self.values.get(name) else {
            return Failure::usage(format!("setting `{name}`: {expected}"));
        };
        let is_secret = SPECS.iter().any(|spec| spec.name == name && spec.is_secret);
        let text = if is_secret { "what it was given" } else { text };
        let origin = match origin {
            Origin::Flag(flag) => format!(" ({flag})"),
            Origin::Variable(variable) => format!(" ({variable})"),
            Origin::File(path) => format!(" ({path})"),
            Origin::Default => String::new(),
        };
        Failure::usage(format!("setting `{name}`{origin} can not be `{text}`: {expected}"))
    }
}

fn read_file(path: &str) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(path)
        .map_err(|cause| Failure::usage(format!("configuration file {path}: {cause}")))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| 1 + newlines(&text, span.start));
        Failure::usage(format!("configuration file {path}, line {line}: {}", error.message()))
    })?;
    let setting = |(name, value): (String, toml::Value)| {
        if !SPECS.iter().any(|spec| spec.name == name) {
            return Err(Failure::usage(format!(
                "configuration file {path}: there is no setting `{name}`{}",
                nearest(&name).map(|near| format!("; is it `{near}`?")).unwrap_or_default()
            )));
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            other => {
                return Err(Failure::usage(format!(
                    "configuration file {path}: setting `{name}` is a {}; give text or a whole number",
                    other.type_str()
                )));
            }
        };
        Ok((name, text))
    };
    table.into_iter().map(setting).collect()
}

fn newlines(text: &str, end: usize) -> usize {
    text.bytes().take(end).filter(|&byte| byte == b'\n').count()
}

/// A setting whose name shares most of its beginning, or is the same but for case and dashes.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace('-', "_");
    let shared = |other: &str| {
        name.bytes().zip(other.bytes()).take_while(|(ours, theirs)| ours == theirs).count()
    };
    let best = SPECS.iter().map(|spec| spec.name).max_by_key(|other| shared(other))?;
    (shared(best) * 2 > best.len()).then_some(best)
}
