//! A loss that makes a pruned model answer as a dense one does.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};
use burn_seven_core::Error;

/// Knowledge distillation: the student is to give the teacher's distribution over classes, softened by
/// a temperature.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use burn_seven_train::Distillation;
/// # fn main() -> Result<(), burn_seven_core::Error> {
/// # let device = Device::flex();
/// # let (student, teacher) = (Tensor::<2>::ones([2, 3], &device), Tensor::<2>::ones([2, 3], &device));
/// # let hard = Tensor::<1>::ones([1], &device);
/// let soft = Distillation::new(2.0)?.logits(student, teacher)?;
/// let loss = hard * 0.5 + soft * 0.5;
/// # let _ = loss;
/// # Ok(())
/// # }
/// ```
///
/// After G. Hinton et al., [Distilling the Knowledge in a Neural
/// Network](https://arxiv.org/abs/1503.02531).
#[derive(Debug, Clone, Copy)]
pub struct Distillation {
    temperature: f64,
}

impl Distillation {
    /// At this temperature, above 0; higher ones let small probabilities count for more.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`].
    pub fn new(temperature: f64) -> Result<Self, Error> {
        match temperature.is_finite() && temperature > 0.0 {
            true => Ok(Self { temperature }),
            false => Err(Error::OutOfRange {
                parameter: "temperature",
                value: temperature,
                allowed: "finite and above 0",
            }),
        }
    }

    /// `T²·KL(softmax(teacher / T) ‖ softmax(student / T))`, the mean over all rows, shape `[1]`. Logits
    /// have shape `[..., classes]`; no gradient reaches the teacher. With the factor `T²` gradients
    /// are as large at any temperature.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`].
    pub fn logits<const D: usize>(
        &self,
        student: Tensor<D>,
        teacher: Tensor<D>,
    ) -> Result<Tensor<1>, Error> {
        same_shape("logits", &student, &teacher)?;
        let classes = student.dims()[D - 1].max(1);
        let rows = student.shape().num_elements() / classes;
        let teacher = teacher.detach().div_scalar(self.temperature);
        let student = student.div_scalar(self.temperature);
        let difference = log_softmax(teacher.clone(), D - 1) - log_softmax(student, D - 1);
        let divergence = (softmax(teacher, D - 1) * difference).sum();
        let factor = self.temperature * self.temperature / rows.max(1) as f64;
        Ok(divergence.mul_scalar(factor))
    }

    /// The mean squared difference of two hidden layers' outputs, shape `[1]`, for adding to the loss
    /// of the logits; no gradient reaches the teacher.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`].
    pub fn hidden<const D: usize>(
        &self,
        student: Tensor<D>,
        teacher: Tensor<D>,
    ) -> Result<Tensor<1>, Error> {
        same_shape("hidden layer", &student, &teacher)?;
        Ok((student - teacher.detach()).square().mean())
    }
}

fn same_shape<const D: usize>(
    what: &'static str,
    student: &Tensor<D>,
    teacher: &Tensor<D>,
) -> Result<(), Error> {
    match student.dims() == teacher.dims() {
        true => Ok(()),
        false => Err(Error::ShapeMismatch {
            what,
            path: "of the student".to_string(),
            expected: teacher.dims().to_vec(),
            found: student.dims().to_vec(),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may fail that way
mod tests {
    use super::*;
    use burn::tensor::Device;

    // Two classes at T = 2. Logits of the teacher 2·ln 3 and 0: softened 3/4 and 1/4. The student's
    // are equal: 1/2 and 1/2. KL = 3/4·ln(3/2) + 1/4·ln(1/2) = 0.130812, times 4 = 0.523248. A second
    // row where both agree halves the mean.
    #[test]
    fn logits_are_compared_at_the_temperature() {
        let device = Device::flex();
        let high = 2.0 * 3.0f32.ln();
        let teacher = Tensor::<2>::from_floats([[high, 0.0], [1.0, 1.0]], &device);
        let student = Tensor::<2>::from_floats([[5.0, 5.0], [0.0, 0.0]], &device);
        let loss = Distillation::new(2.0).unwrap().logits(student, teacher);
        let loss = loss.unwrap().into_scalar::<f32>();
        assert!((loss - 0.261_624).abs() < 1e-6, "{loss}");
    }

    // The gradient is T·(softmax(student / T) - softmax(teacher / T)) / rows.
    #[test]
    fn gradients_reach_the_student_alone() {
        let device = Device::flex().autodiff();
        let high = 2.0 * 3.0f32.ln();
        let teacher = Tensor::<2>::from_floats([[high, 0.0]], &device).require_grad();
        let student = Tensor::<2>::from_floats([[5.0, 5.0]], &device).require_grad();
        let loss = Distillation::new(2.0).unwrap();
        let loss = loss.logits(student.clone(), teacher.clone()).unwrap();
        let grads = loss.backward();
        assert!(teacher.grad(&grads).is_none());
        let grad = student
            .grad(&grads)
            .unwrap()
            .try_into_vec_as::<f32>()
            .unwrap();
        assert!(
            (grad[0] + 0.5).abs() < 1e-6 && (grad[1] - 0.5).abs() < 1e-6,
            "{grad:?}"
        );
    }

    #[test]
    fn hidden_layers_are_compared_by_their_mean_square() {
        let device = Device::flex();
        let student = Tensor::<3>::from_floats([[[1.0, 2.0]]], &device);
        let teacher = Tensor::<3>::from_floats([[[0.0, 4.0]]], &device);
        let loss = Distillation::new(1.0).unwrap().hidden(student, teacher);
        assert_eq!(loss.unwrap().into_scalar::<f32>(), 2.5);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_values() {
        let device = Device::flex();
        let error = Distillation::new(0.0).unwrap_err().to_string();
        assert_eq!(error, "temperature is 0, but should be finite and above 0");
        let three = Tensor::<2>::ones([2, 3], &device);
        let error = Distillation::new(1.0).unwrap();
        let error = error
            .logits(three, Tensor::ones([2, 4], &device))
            .unwrap_err();
        assert!(error.to_string().contains("[2, 3]") && error.to_string().contains("[2, 4]"));
    }
}
