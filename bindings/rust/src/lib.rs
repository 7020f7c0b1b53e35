//! Examples of multigrad in other crates.
