//! The library beside what independent implementations recorded: see `tests/references/README.md`.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod grasp;
mod movement;
mod platon;
mod record;
mod seven;
mod sparse_training;
mod toy;
