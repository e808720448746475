//! What is in a model's parameters.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, DType, Int, Tensor};

use crate::ShrinkError;

/// One parameter.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub id: ParamId,
    pub shape: Vec<usize>,
    pub dtype: DType,
    /// In row-major order; none of integers and booleans, or where they were not asked for.
    pub floats: Vec<f32>,
}

/// All parameters of a model by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    pub all: BTreeMap<String, Value>,
    /// Whether the model is trained.
    pub autodiff: bool,
}

impl Values {
    /// Those of a model, with floats where they are asked for.
    pub fn of<M: Module>(model: &M, floats: bool) -> Result<Self, ShrinkError> {
        let mut reader = Reader {
            path: Vec::new(),
            floats,
            values: Self::default(),
            reparameterized: None,
        };
        model.visit(&mut reader);
        match reader.reparameterized {
            Some(path) => Err(ShrinkError::Reparameterized { path }),
            None => Ok(reader.values),
        }
    }

    pub fn shape(&self, path: &str) -> Result<&[usize], ShrinkError> {
        let value = self.all.get(path);
        let value = value.ok_or_else(|| ShrinkError::Missing {
            path: path.to_string(),
        })?;
        Ok(&value.shape)
    }

    /// Pairs of paths of one and the same parameter.
    pub fn tied(&self) -> Vec<(String, String)> {
        let mut first: BTreeMap<u64, &String> = BTreeMap::new();
        let mut tied = Vec::new();
        for (path, value) in &self.all {
            match first.get(&value.id.val()) {
                Some(other) => tied.push(((*other).clone(), path.clone())),
                None => {
                    first.insert(value.id.val(), path);
                }
            }
        }
        tied
    }

    /// How many entries all parameters have, and bytes.
    pub fn count(&self) -> (usize, usize) {
        let tied = self.tied();
        let own = self
            .all
            .iter()
            .filter(|(path, _)| !tied.iter().any(|(_, second)| second == *path));
        own.fold((0, 0), |(count, bytes), (_, value)| {
            let entries: usize = value.shape.iter().product();
            (count + entries, bytes + entries * value.dtype.size())
        })
    }
}

struct Reader {
    path: Vec<String>,
    floats: bool,
    values: Values,
    reparameterized: Option<String>,
}

impl Reader {
    fn put(&mut self, id: ParamId, shape: Vec<usize>, dtype: DType, floats: Vec<f32>) {
        let value = Value {
            id,
            shape,
            dtype,
            floats,
        };
        self.values.all.insert(self.path.join("."), value);
    }
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        if container_type == "Reparameterization" {
            self.reparameterized.get_or_insert(self.path.join("."));
        }
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.base();
        self.values.autodiff |= tensor.is_autodiff();
        let floats = match self.floats && tensor.dtype().is_float() {
            true => tensor.to_data().iter::<f32>().collect(),
            false => Vec::new(),
        };
        self.put(param.id, tensor.shape().to_vec(), tensor.dtype(), floats);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        let tensor = param.base();
        self.put(
            param.id,
            tensor.shape().to_vec(),
            tensor.dtype(),
            Vec::new(),
        );
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        let tensor = param.base();
        self.put(
            param.id,
            tensor.shape().to_vec(),
            tensor.dtype(),
            Vec::new(),
        );
    }
}
