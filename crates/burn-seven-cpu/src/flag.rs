//! Booleans as backends store them.

/// A boolean of one byte.
pub trait Flag: Copy + Send + Sync {
    /// As a boolean.
    fn get(self) -> bool;
    /// From a boolean.
    fn of(value: bool) -> Self;
}

impl Flag for bool {
    #[inline(always)]
    fn get(self) -> bool {
        self
    }

    #[inline(always)]
    fn of(value: bool) -> Self {
        value
    }
}

impl Flag for u8 {
    #[inline(always)]
    fn get(self) -> bool {
        self != 0
    }

    #[inline(always)]
    fn of(value: bool) -> Self {
        u8::from(value)
    }
}
