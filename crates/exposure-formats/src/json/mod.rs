//! JSON as senders write it: borrowed, tolerant of lone surrogates, and never recursive.

mod body;
mod members;
mod surrogate;
mod value;

pub use body::JsonBody;
pub(crate) use members::{each_item, each_member};
pub use surrogate::replace_lone_surrogates;
pub(crate) use value::{Value, is_integer};
