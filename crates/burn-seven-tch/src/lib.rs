//! The libtorch backend of burn-seven: CPU, CUDA and MPS.
