//! What a scorer reads.

use super::Gradient;

/// What a scorer reads beside the weight itself. What it does not ask for it is not given, and
/// what it asks for and nothing provides is an error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reads {
    gradient: Option<Gradient>,
    inputs: bool,
}

impl Default for Reads {
    /// The gradient of the loss.
    fn default() -> Self {
        Self::gradient_of(Gradient::Loss)
    }
}

impl Reads {
    /// The weight alone. Such a scorer also works for frozen weights.
    pub const fn weight() -> Self {
        Self {
            gradient: None,
            inputs: false,
        }
    }

    /// This gradient.
    pub const fn gradient_of(gradient: Gradient) -> Self {
        Self {
            gradient: Some(gradient),
            inputs: false,
        }
    }

    /// Also [what enters](crate::weights::Inputs) the weight's layer.
    pub const fn with_inputs(mut self) -> Self {
        self.inputs = true;
        self
    }

    /// The gradient, if one is read.
    pub const fn gradient(self) -> Option<Gradient> {
        self.gradient
    }

    /// Whether inputs are read.
    pub const fn inputs(self) -> bool {
        self.inputs
    }
}
