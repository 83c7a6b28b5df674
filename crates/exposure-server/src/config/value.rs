use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use exposure_store_embedded::log::Durability;

use crate::units::{parse_size, parse_span};

/// A type of settings: how a text becomes one.
pub(super) trait Value: Sized {
    /// What stands for the value in the help.
    const NAME: &str;
    /// Whether the value must not be shown.
    const SECRET: bool = false;

    /// The value of a text, or what would be right.
    fn parse(text: &str) -> Result<Self, String>;
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

/// A key that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) Option<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "(given)" } else { "(none)" })
    }
}

impl Value for PathBuf {
    const NAME: &str = "DIR";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("name a directory".to_owned());
        }
        Ok(text.into())
    }
}

impl Value for Option<PathBuf> {
    const NAME: &str = "FILE";

    fn parse(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| text.into()))
    }
}

impl Value for Vec<String> {
    const NAME: &str = "NAMES";

    fn parse(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }
}

impl Value for SocketAddr {
    const NAME: &str = "ADDR";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "give an IP address and a port, such as 127.0.0.1:7070".to_owned())
    }
}

impl Value for Secret {
    const NAME: &str = "KEY";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || !(12..=1024).contains(&text.len()) {
            return Err("a key has 12 to 1024 visible ASCII characters".to_owned());
        }
        Ok(Self(Some(text.to_owned())))
    }
}

impl Value for Size {
    const NAME: &str = "SIZE";

    fn parse(text: &str) -> Result<Self, String> {
        parse_size(text).map(Self)
    }
}

impl Value for Duration {
    const NAME: &str = "TIME";

    fn parse(text: &str) -> Result<Self, String> {
        parse_span(text)
    }
}

impl Value for usize {
    const NAME: &str = "N";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "give a whole number".to_owned())
    }
}

impl Value for Durability {
    const NAME: &str = "LEVEL";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "fsync" => Ok(Self::Fsync),
            "none" => Ok(Self::None),
            _ => Err("give fsync, or none for events that may be lost with the machine".to_owned()),
        }
    }
}

impl Value for String {
    const NAME: &str = "FILTER";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}
