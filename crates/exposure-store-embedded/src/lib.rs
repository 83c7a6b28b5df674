//! The embedded store: a group-committed log in front of resident state.
