//! The window against a model of its rule, and against failing disks.

mod bounds;
mod damage;
mod faults;
mod harness;
mod model;
