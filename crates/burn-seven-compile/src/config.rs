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

/// Configuration of [`compile`](crate::compile).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileConfig {
    pub(crate) products: Products,
    pub(crate) fuse: bool,
    pub(crate) check: bool,
    pub(crate) shapes: usize,
}

impl Default for CompileConfig {
    fn default() -> Self {
        Self {
            products: Products::Measured,
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

    /// Whether operations that follow each other become one. Default: true
    ///
    /// Without it, and with [`Products::Dense`], the graph runs as Burn would run it, bit for bit.
    #[must_use]
    pub fn with_fuse(mut self, fuse: bool) -> Self {
        self.fuse = fuse;
        self
    }

    /// Whether the compiled model's outputs are compared with the model's own once it is compiled,
    /// for the example and for other values of its shapes. Default: true
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
