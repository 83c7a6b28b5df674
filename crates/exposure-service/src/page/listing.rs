use crate::{Position, Result, ServiceError};

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Entries of the page; 0 takes the list's default, more than its maximum is its maximum.
    pub size: i32,
    /// The token of an earlier page, unchanged; empty begins.
    pub token: String,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The entries, in the list's order.
    pub items: Vec<T>,
    /// Continues the list; empty at its end.
    pub next_page_token: String,
    /// The position at which the page was true: a watch from there misses nothing.
    pub position: Position,
}

/// How long the pages of a list are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    default: usize,
    max: usize,
}

impl Bounds {
    /// Lists whose entries are looked up one by one: 100, at most 1000.
    pub(crate) const SHORT: Self = Self { default: 100, max: 1000 };
    /// Lists of small rows: 1000, at most 10,000.
    pub(crate) const LONG: Self = Self { default: 1000, max: 10_000 };
}

impl Page {
    /// A page of this many entries, the first one.
    pub fn first(size: i32) -> Self {
        Self { size, token: String::new() }
    }

    /// The page that continues a listing.
    pub fn after(size: i32, token: impl Into<String>) -> Self {
        Self { size, token: token.into() }
    }

    pub(crate) fn limit(&self, bounds: Bounds) -> Result<usize> {
        match usize::try_from(self.size) {
            Ok(0) => Ok(bounds.default),
            Ok(size) => Ok(size.min(bounds.max)),
            Err(_) => Err(ServiceError::invalid(
                "page_size",
                format!("is {}; it must be 0 for the default, or up to {}", self.size, bounds.max),
            )),
        }
    }
}
