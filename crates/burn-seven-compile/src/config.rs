//! How a model is compiled.

/// Which products with constant weights skip zeros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Products {
    /// Those that are faster so, by trying both.
    #[default]
    Measured,
    /// All of them.
    Sparse,
    /// None of them.
    Dense,
}

/// How sparse products of linear layers hold their weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// As the model has them.
    #[default]
    Float32,
    /// Rounded to bfloat16, 8 significant bits: each is off by at most 2^-8 of itself. Arithmetic
    /// stays in float32. With few rows half as many bytes are read for them; with more than a few
    /// nothing is gained.
    Bfloat16,
}

/// Configuration of [`compile`](crate::compile).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileConfig {
    pub(crate) products: Products,
    pub(crate) precision: Precision,
    pub(crate) fuse: bool,
    pub(crate) check: bool,
    pub(crate) shapes: usize,
}

impl Default for CompileConfig {
    fn default() -> Self {
        Self {
            products: Products::Measured,
            precision: Precision::Float32,
            fuse: true,
            check: true,
            shapes: 16,
        }
    }
}

impl CompileConfig {
    /// The default configuration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which products skip zeros. Default: [`Products::Measured`]
    #[must_use]
    pub fn with_products(mut self, products: Products) -> Self {
        self.products = products;
        self
    }

    /// How sparse products of linear layers hold their weights. Default: [`Precision::Float32`]
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Whether operations that follow each other become one. Default: true
    ///
    /// Without it, and with [`Products::Dense`], the graph runs as Burn would run it, bit for bit.
    #[must_use]
    pub fn with_fuse(mut self, fuse: bool) -> Self {
        self.fuse = fuse;
        self
    }

    /// Whether the compiled model's outputs are compared with the model's own once it is compiled,
    /// for the example and for other values of its shapes: they may differ by 1e-4 of the largest
    /// value, with [`Precision::Bfloat16`] by 0.1 of it. Default: true
    ///
    /// Outputs of integers and booleans are not compared, since they may follow from values that
    /// are equal but for rounding.
    ///
    /// A model with random operations, such as noise in its forward pass, cannot be compared.
    #[must_use]
    pub fn with_check(mut self, check: bool) -> Self {
        self.check = check;
        self
    }

    /// For how many shapes of inputs graphs are kept, at least 1; the one that was not used for the
    /// longest time makes room for a new one. Weights are shared by all of them. Default: 16
    #[must_use]
    pub fn with_shapes(mut self, shapes: usize) -> Self {
        self.shapes = shapes;
        self
    }
}
