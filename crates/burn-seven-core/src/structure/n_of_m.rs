//! N of every M consecutive inputs.

use super::{Quota, Structure, Units, divides, each};
use crate::weights::Weight;
use crate::{Error, Sparsity};

/// N:M sparsity: of every `m` consecutive weights along a layer's inputs, `n` stay.
///
/// Inputs are the first dimension of a linear weight and of a transposed convolution, and the second
/// of a convolution, as Burn stores them; [`with_dim`](Self::with_dim) sets another. The final
/// sparsity of these weights is [`sparsity`](Self::sparsity), and the schedule has to end on it.
/// While a schedule is on its way there, at least `n` of every group stay, and the other places go
/// to the highest scores.
///
/// See [Accelerating Sparse Deep Neural Networks](https://arxiv.org/abs/2104.08378).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NofM {
    n: usize,
    m: usize,
    dim: Option<usize>,
}

impl NofM {
    /// `n` of every `m` stay, with `1 <= n <= m`.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for any other `n`, 0 included.
    pub fn new(n: usize, m: usize) -> Result<Self, Error> {
        if n == 0 || n > m {
            return Err(Error::OutOfRange {
                parameter: "n of the structure n:m",
                value: n as f64,
                allowed: "at least 1 and at most m",
            });
        }
        Ok(Self { n, m, dim: None })
    }

    /// Groups run along this dimension of every weight.
    pub fn with_dim(mut self, dim: usize) -> Self {
        self.dim = Some(dim);
        self
    }

    /// The sparsity that it gives, `1 - n/m`.
    pub fn sparsity(&self) -> Sparsity {
        Sparsity::of_counts(self.n, self.m).expect("n should be at least 1 and at most m")
    }

    fn dim(&self, weight: &Weight) -> usize {
        self.dim.unwrap_or_else(|| weight.input_dim())
    }
}

impl Structure for NofM {
    fn name(&self) -> String {
        match self.dim {
            None => format!("{}:{}", self.n, self.m),
            Some(dim) => format!("{}:{} along dimension {dim}", self.n, self.m),
        }
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        let units = each(&self.name(), weights, |weight| {
            divides(weight, self.dim(weight), self.m)?;
            Ok(vec![1; weight.shape().len()])
        })?;
        let with_quota = |(units, weight): (Units, &&Weight)| {
            units.with_quota(Quota {
                n: self.n,
                m: self.m,
                dim: self.dim(weight),
            })
        };
        Ok(units.into_iter().zip(weights).map(with_quota).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    #[test]
    fn groups_run_along_the_inputs_of_each_kind_of_layer() {
        let weight = |layer: &str| {
            let weight = Weight::new(layer, [8, 4, 3, 3], DType::F32, &Device::default());
            weight.with_layer(Some(layer.to_string()))
        };
        let (conv, transposed) = (weight("Conv2d"), weight("ConvTranspose2d"));
        let units = NofM::new(2, 4)
            .unwrap()
            .units(&[&conv, &transposed])
            .unwrap();
        let dims: Vec<usize> = units.iter().map(|units| units.quota.unwrap().dim).collect();
        assert_eq!(dims, [1, 0]);
    }

    #[test]
    fn all_weights_that_do_not_fit_are_listed() {
        let weight =
            |path: &str, size| Weight::new(path, [size, 5], DType::F32, &Device::default());
        let weights = [weight("a", 6), weight("b", 8), weight("c", 3)];
        let weights: Vec<&Weight> = weights.iter().collect();
        let error = NofM::new(2, 4).unwrap().units(&weights).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("a [6, 5]: dimension 0 is 6, not a multiple of 4"),
            "{message}"
        );
        assert!(
            message.contains("c [3, 5]") && !message.contains("b [8"),
            "{message}"
        );
    }

    #[test]
    fn bad_counts_are_refused() {
        assert!(NofM::new(0, 4).is_err());
        assert!(NofM::new(5, 4).is_err());
        assert_eq!(NofM::new(1, 4).unwrap().sparsity().value(), 0.75);
    }
}
