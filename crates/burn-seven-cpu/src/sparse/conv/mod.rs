//! Convolutions with a sparse weight.
//!
//! A convolution is a product with as many inputs as there are taps of all channels, and with
//! positions of the output for rows. Neighbouring positions are neighbours in memory on both sides,
//! so panels are not transposed but [copied](gather) from the [planes](planes) of the input, a chunk of
//! inputs at a time, and outputs are copied back. A panel may run over [several rows and
//! images](lanes).

mod axis;
mod convolve;
mod gather;
mod lanes;
mod packed;
mod planes;
mod shape;
mod split;
mod take;
#[cfg(test)]
mod tests;

pub use convolve::{Images, convolve, convolve_with};
pub use packed::PackedConvolution;
pub use shape::Convolution;
