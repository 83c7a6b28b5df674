//! The application: intake, queries, change feed, usage, explain. Knows no transport and no particular store.
