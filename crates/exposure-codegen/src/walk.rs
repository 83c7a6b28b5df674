//! Walks descriptors, giving each element its full name, its comment and its line.
