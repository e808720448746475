//! Activation functions on a block's outputs.

pub(super) use crate::fused::activate_here as apply;
