//! The CubeCL kernels of burn-seven: what its wgpu and CUDA backends share.
