//! Compiles the protocol definitions into the checked-in code.
