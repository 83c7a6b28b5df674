//! The log against disks that fail, lose power and flip bits.

mod appending;
mod damage;
mod faults;
mod format;
mod pages;
mod releasing;
mod round_trip;
mod support;
mod waiting;
