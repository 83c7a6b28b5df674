//! File operations behind a trait, so that tests can make each of them fail.
//!
//! [`RealDisk`] is the operating system's file system.
//! With the feature `test-util` there are also `MemDisk`, which can lose power, and `FaultyDisk`, which fails on demand.

mod port;
mod real;
mod stream;
mod whole;

#[cfg(any(test, feature = "test-util"))]
mod faulty;
#[cfg(any(test, feature = "test-util"))]
mod mem_file;
#[cfg(any(test, feature = "test-util"))]
mod memory;
#[cfg(any(test, feature = "test-util"))]
mod random;

#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "test-util"))]
pub use faulty::{Fault, FaultyDisk, Op, Saboteur};
#[cfg(any(test, feature = "test-util"))]
pub use memory::MemDisk;
pub use port::{Disk, Entry, File, OpenMode};
#[cfg(any(test, feature = "test-util"))]
pub use random::SplitMix;
pub use real::RealDisk;
pub use stream::{Stream, Trail};
pub use whole::{is_out_of_space, read_exact_at, read_up_to, retry_interrupted, write_all_at};
