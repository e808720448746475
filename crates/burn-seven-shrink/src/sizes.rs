//! The shapes of a model's parameters.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::ShrinkError;
use crate::cut::replace;
use crate::values::Values;

/// The shape of each parameter of a model, to be written beside its record.
///
/// A record fits a model of the same shapes alone. In a new process the model is built as it was before it
/// was cut, [resized](Self::resize), and then loads the record:
///
/// ```
/// # use burn::module::Module;
/// # use burn::nn::{Linear, LinearConfig};
/// # use burn::tensor::Device;
/// # use burn_seven_shrink::Sizes;
/// # let device = Device::flex();
/// # let folder = tempfile::tempdir()?;
/// # let path = |name: &str| folder.path().join(name);
/// # let small: Linear = LinearConfig::new(4, 3).init(&device);
/// Sizes::of(&small)?.save(path("sizes.json"))?;
/// small.clone().save_file(path("model.bpk"))?;
///
/// let model: Linear = LinearConfig::new(4, 8).init(&device); // as it was before
/// let model = Sizes::load(path("sizes.json"))?.resize(model)?;
/// let model = model.load_file(path("model.bpk"));
/// assert_eq!(model.weight.dims(), [4, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    shapes: BTreeMap<String, Vec<usize>>,
}

impl Sizes {
    /// Those of a model.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::Reparameterized`]
    pub fn of<M: Module>(model: &M) -> Result<Self, ShrinkError> {
        let values = Values::of(model, false)?;
        let shapes = values
            .all
            .into_iter()
            .map(|(path, value)| (path, value.shape));
        Ok(Self {
            shapes: shapes.collect(),
        })
    }

    /// A parameter's shape.
    pub fn shape(&self, path: &str) -> Option<&[usize]> {
        self.shapes.get(path).map(Vec::as_slice)
    }

    /// A parameter's size along an axis, 0 where there is none.
    pub fn size(&self, path: &str, axis: usize) -> usize {
        let size = self.shape(path).and_then(|shape| shape.get(axis));
        size.copied().unwrap_or(0)
    }

    /// Writes them as JSON.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::File`]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ShrinkError> {
        let path = path.as_ref();
        let text = serde_json::to_string_pretty(self).map_err(|error| file(path, error))?;
        std::fs::write(path, text).map_err(|error| file(path, error))
    }

    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::File`]
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ShrinkError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| file(path, error))?;
        serde_json::from_str(&text).map_err(|error| file(path, error))
    }

    /// The model with these shapes: zeros where a parameter has another one. Numbers that a module
    /// holds beside its parameters stay; set them as [`Shrink::with_numbers`](crate::Shrink::with_numbers)
    /// does.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::Missing`] where the model has not the parameters that these sizes are of, and
    /// [`ShrinkError::Shape`] where one has another rank.
    pub fn resize<M: Module>(&self, model: M) -> Result<M, ShrinkError> {
        let values = Values::of(&model, false)?;
        for (path, shape) in &self.shapes {
            let found = values.shape(path)?;
            if found.len() != shape.len() {
                return Err(ShrinkError::Shape {
                    path: path.clone(),
                    axis: shape.len(),
                    expected: 0,
                    found: found.to_vec(),
                });
            }
        }
        let mut model_paths = values.all.keys();
        if let Some(path) = model_paths.find(|path| !self.shapes.contains_key(*path)) {
            return Err(ShrinkError::Missing { path: path.clone() });
        }
        let resized = model.valid().map(&mut Resizer {
            path: Vec::new(),
            shapes: &self.shapes,
        });
        Ok(match values.autodiff {
            true => resized.train(),
            false => resized,
        })
    }
}

fn file(path: &Path, error: impl std::fmt::Display) -> ShrinkError {
    ShrinkError::File {
        path: path.display().to_string(),
        message: error.to_string(),
    }
}

struct Resizer<'a> {
    path: Vec<String>,
    shapes: &'a BTreeMap<String, Vec<usize>>,
}

impl ModuleMapper for Resizer<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.shapes.get(&self.path.join(".")) {
            Some(shape) if param.shape().to_vec() != *shape => {
                let id = param.id;
                replace(param, id, |old| {
                    Tensor::zeros(shape.clone(), (&old.device(), old.dtype()))
                })
            }
            _ => param,
        }
    }
}
