//! Sparse weights for the tensors of a backend in host memory.

use std::marker::PhantomData;
use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_seven_kernels::{Activation, PackedWeight, SparseWeight};

use crate::sparse::{Packed, multiply};
use crate::{Buffer, Host};

/// A packed weight of a [`Host`].
#[derive(Debug)]
struct HostWeight<H> {
    packed: Packed,
    host: PhantomData<H>,
}

/// Packs a weight of shape `[inputs, outputs]`; none if it is not of the host, not float32, or empty.
pub(crate) fn pack<H: Host>(weight: &Tensor<2>) -> Option<PackedWeight> {
    let [inputs, outputs] = weight.dims();
    if inputs == 0 || outputs == 0 {
        return None;
    }
    let floats = floats::<H>(weight.clone().reshape([inputs * outputs]))?;
    Some(Arc::new(HostWeight::<H> {
        packed: Packed::new(floats.slice(), inputs, outputs),
        host: PhantomData,
    }))
}

fn floats<H: Host>(tensor: Tensor<1>) -> Option<H::Floats> {
    match H::holds(&tensor.device()) && !tensor.is_autodiff() {
        true => H::floats(tensor),
        false => None,
    }
}

impl<H: Host> SparseWeight for HostWeight<H> {
    fn shape(&self) -> [usize; 2] {
        [self.packed.inputs(), self.packed.outputs()]
    }

    fn nonzeros(&self) -> usize {
        self.packed.nonzeros()
    }

    fn bytes(&self) -> usize {
        self.packed.bytes()
    }

    fn linear(
        &self,
        input: Tensor<2>,
        bias: Option<Tensor<1>>,
        activation: Activation,
    ) -> Option<Tensor<2>> {
        let device = input.device();
        let [rows, inputs] = input.dims();
        let biases = bias.as_ref().map(|bias| bias.dims()[0]);
        let fits = inputs == self.packed.inputs() && rows > 0;
        if !fits || biases.is_some_and(|biases| biases != self.packed.outputs()) {
            return None;
        }
        let input = floats::<H>(input.reshape([rows * inputs]))?;
        let bias = match bias {
            None => None,
            Some(bias) => Some(floats::<H>(bias)?),
        };
        let bias = bias.as_ref().map(Buffer::slice);
        let mut output = Vec::new();
        multiply(
            &self.packed,
            input.slice(),
            rows,
            bias,
            activation,
            &mut output,
        );
        let data = TensorData::new(output, [rows, self.packed.outputs()]);
        Some(Tensor::from_data(data, (&device, DType::F32)))
    }

    fn to_dense(&self, device: &Device) -> Tensor<2> {
        let data = TensorData::new(self.packed.to_dense(), self.shape());
        Tensor::from_data(data, (device, DType::F32))
    }
}
