//! JSON as senders write it: borrowed, tolerant of lone surrogates, and never recursive.

mod fault;
mod first;
mod members;
mod surrogate;
mod text;
mod value;

pub(crate) use fault::{of_array as fault_of_array, of_object as fault_of_object};
pub(crate) use first::first_member;
pub(crate) use members::{each_item, each_member, name_of, pick};
pub use surrogate::replace_lone_surrogates;
pub(crate) use text::text;
pub(crate) use value::{Value, is_integer};
