//! The exposure.v1 protocol: generated code, conversions, the fast batch decoder.
