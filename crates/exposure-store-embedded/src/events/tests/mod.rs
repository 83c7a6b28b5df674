//! Tests of the stored events against a plain list of rows.

mod damage;
mod events;
mod faults;
mod foreign;
mod forgetting;
mod model;
