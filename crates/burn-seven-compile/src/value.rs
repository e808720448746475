//! A tensor of the flex backend of any kind and rank.

use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, Shape, TensorData};
use burn_ir::HandleKind;

/// A tensor of floats, integers or booleans; its type says which.
#[derive(Debug, Clone)]
pub struct Value(pub FlexTensor);

impl Value {
    /// None of a quantized tensor.
    pub fn from_handle(handle: HandleKind<Flex>) -> Option<Self> {
        match handle {
            HandleKind::Float(tensor) | HandleKind::Int(tensor) | HandleKind::Bool(tensor) => {
                Some(Self(tensor))
            }
            HandleKind::Quantized(_) => None,
        }
    }

    /// As Burn's interpreter takes it.
    pub fn into_handle(self) -> HandleKind<Flex> {
        match self.dtype() {
            DType::Bool(_) => HandleKind::Bool(self.0),
            dtype if dtype.is_float() => HandleKind::Float(self.0),
            _ => HandleKind::Int(self.0),
        }
    }

    /// A row-major tensor of these values.
    pub fn from_floats(values: Vec<f32>, shape: Shape) -> Self {
        Self(FlexTensor::from_data(TensorData::new(values, shape)))
    }

    /// Its type.
    pub fn dtype(&self) -> DType {
        self.0.dtype()
    }

    /// Its shape.
    pub fn shape(&self) -> &Shape {
        self.0.layout().shape()
    }

    /// How it lies in memory.
    pub fn layout(&self) -> &Layout {
        self.0.layout()
    }

    /// The same memory seen through another layout.
    pub fn with_layout(self, layout: Layout) -> Self {
        Self(self.0.with_layout(layout))
    }

    /// All of the memory that the tensor is a view of.
    pub fn memory(&self) -> &[f32] {
        self.0.storage()
    }

    /// The values in row-major order; copied only where they do not lie so.
    pub fn contiguous(self) -> Self {
        match self.layout().is_contiguous() {
            true => self,
            false => Self(self.0.to_contiguous()),
        }
    }

    /// A contiguous tensor in another shape of as many values.
    ///
    /// # Panics
    ///
    /// When the shape has another number of values, or the tensor is not contiguous.
    pub fn reshaped(self, shape: &Shape) -> Self {
        assert_eq!(self.shape().num_elements(), shape.num_elements(), "values");
        assert!(self.layout().is_contiguous(), "a contiguous tensor");
        let start = self.layout().start_offset();
        let strides = Layout::contiguous(shape.clone()).strides().to_vec();
        self.with_layout(Layout::new(shape.clone(), strides, start))
    }

    /// The values of a contiguous tensor of float32.
    ///
    /// # Panics
    ///
    /// When it is not one.
    pub fn floats(&self) -> &[f32] {
        assert!(self.layout().is_contiguous(), "a contiguous tensor");
        let start = self.layout().start_offset();
        &self.memory()[start..start + self.layout().num_elements()]
    }

    /// The values, to be written in place; none where someone else holds them or they are not all
    /// of their memory, in order.
    pub fn floats_mut(&mut self) -> Option<&mut [f32]> {
        let whole = self.layout().start_offset() == 0 && self.layout().is_contiguous();
        let count = self.layout().num_elements();
        let values = self.0.try_storage_mut::<f32>()?;
        (whole && values.len() == count).then_some(values)
    }

    /// The values of a contiguous tensor of float32; copied only where someone else holds them.
    pub fn into_floats(self) -> Vec<f32> {
        let whole = self.0.bytes().len() == self.layout().num_elements() * size_of::<f32>();
        match whole && self.0.is_unique() {
            true => self.into_memory().unwrap_or_default(), // there is nothing in its way
            false => self.floats().to_vec(),
        }
    }

    /// The memory of float32 values that no one else holds.
    pub fn into_memory(self) -> Option<Vec<f32>> {
        if self.dtype() != DType::F32 || !self.0.is_unique() {
            return None;
        }
        let count = self.0.bytes().len() / size_of::<f32>();
        let whole = Layout::contiguous(Shape::new([count]));
        self.0.with_layout(whole).into_data().try_into_vec().ok()
    }
}
