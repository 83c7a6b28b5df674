//! The HTTP transport: probes, metrics and our own JSON.
