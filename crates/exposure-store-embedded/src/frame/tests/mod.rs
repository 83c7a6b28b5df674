//! Records of events: whatever was admitted comes back, and what is damaged says so.

mod golden;
mod records;
mod samples;
mod version_1;
