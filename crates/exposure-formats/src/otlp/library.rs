use super::value::{Scalar, Value};
use crate::Arena;

/// A library by its name and version, both empty where it is not named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Library<'b> {
    pub(super) name: &'b str,
    pub(super) version: &'b str,
}

impl<'b> Library<'b> {
    /// Takes an attribute of a resource, which names the SDK among others.
    pub(super) fn attribute(&mut self, name: &str, value: Value<'b>) {
        let Some(Scalar::Text(text)) = value.scalar() else { return };
        match name {
            "telemetry.sdk.name" => self.name = text,
            "telemetry.sdk.version" => self.version = text,
            _ => {}
        }
    }

    /// As senders are counted: `name/version`. One that can not be a library is unknown.
    pub(super) fn text(self, arena: &'b Arena) -> &'b str {
        let Self { name, version } = self;
        let is_one = !name.is_empty() && name.len() + version.len() < 1024;
        if !is_one || name.contains('\0') || version.contains('\0') {
            return "";
        }
        if version.is_empty() { name } else { arena.text(&format!("{name}/{version}")) }
    }
}
