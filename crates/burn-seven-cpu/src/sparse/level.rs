//! Which instructions there are.

/// A set of vector instructions that [`multiply`](super::multiply) has a kernel for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What the compiler makes of plain loops.
    Portable,
    /// AVX2 and FMA, of x86-64.
    Avx2,
    /// AVX-512F beside them.
    Avx512,
}

impl Level {
    /// The best one that this processor has.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
        {
            return match std::arch::is_x86_feature_detected!("avx512f") {
                true => Self::Avx512,
                false => Self::Avx2,
            };
        }
        Self::Portable
    }

    /// All that this processor has, from the plainest up.
    pub fn available() -> impl Iterator<Item = Self> {
        let best = Self::best();
        [Self::Portable, Self::Avx2, Self::Avx512]
            .into_iter()
            .filter(move |level| *level <= best)
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn the_best_is_the_last_of_those_there_are() {
        assert_eq!(Level::available().next(), Some(Level::Portable));
        assert_eq!(Level::available().last(), Some(Level::best()));
    }
}
