//! The wgpu backend of burn-seven: Vulkan, Metal and WebGPU.
