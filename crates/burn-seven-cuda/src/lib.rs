//! The CUDA backend of burn-seven.
