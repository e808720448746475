//! The layers of a model that can be packed, and what it has instead.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, Reparameterization};
use burn::tensor::Tensor;

use super::form::PackedForm;
use super::module::CONTAINER;
use crate::SparseError;

/// The container of what a parameter carries beside its stored values.
const REPARAMETERIZATION: &str = "Reparameterization";

/// A layer's weight.
#[derive(Debug)]
pub(super) struct Layer {
    /// The weight's path in the module.
    pub path: String,
    pub weight: Tensor<2>,
}

/// The weights of all [`SparseLinear`](super::SparseLinear) layers.
///
/// # Errors
///
/// When one carries a mask or an adapter, and when there is none.
pub(super) fn layers<M: Module>(model: &M) -> Result<Vec<Layer>, SparseError> {
    let mut finder = Finder::default();
    model.visit(&mut finder);
    match finder.error {
        Some(error) => Err(error),
        None if finder.layers.is_empty() => Err(SparseError::NothingToPack {
            found: finder.others.into_iter().collect(),
        }),
        None => Ok(finder.layers),
    }
}

#[derive(Default)]
struct Finder {
    path: Vec<(String, String)>,
    layers: Vec<Layer>,
    /// How many weights the modules of other types have.
    others: BTreeMap<String, usize>,
    error: Option<SparseError>,
}

impl Finder {
    fn dotted(&self) -> String {
        let names: Vec<&str> = self.path.iter().map(|(name, _)| name.as_str()).collect();
        names.join(".")
    }

    /// The type of the module that holds the current parameter.
    fn module(&self) -> String {
        let types = self.path.iter().rev().map(|(_, container)| container);
        let module = types
            .filter_map(|container| container.split_once(':'))
            .next();
        module.map_or("no module", |(_, name)| name).to_string()
    }
}

impl ModuleVisitor for Finder {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        if container_type == REPARAMETERIZATION {
            let path = self.dotted();
            let ours = self.layers.last().is_some_and(|layer| layer.path == path);
            if ours && name != PackedForm::NAME && self.error.is_none() {
                let kind = name.to_string();
                self.error = Some(SparseError::Reparameterized { path, kind });
            }
        }
        self.path
            .push((name.to_string(), container_type.to_string()));
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let place = self.path.last();
        let ours =
            place.is_some_and(|(name, container)| name == "weight" && container == CONTAINER);
        let dims = param.lazy_shape();
        if ours && let [inputs, outputs] = dims[..] {
            self.layers.push(Layer {
                path: self.dotted(),
                weight: param.val().reshape([inputs, outputs]),
            });
        } else if D >= 2 && !self.path.iter().any(|(_, kind)| kind == REPARAMETERIZATION) {
            *self.others.entry(self.module()).or_default() += 1;
        }
    }
}
