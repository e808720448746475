//! The way through a module, parameter by parameter, with paths.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Bool, Tensor};

/// The name under which module paths show a pruning mask.
pub(crate) const PRUNING_MASK: &str = "pruning_mask";

/// What Burn calls the container of a reparameterization, which is entered right after the parameter
/// that carries it.
const REPARAMETERIZATION: &str = "Reparameterization";

/// What to look at on the way.
pub trait Visit {
    /// A float parameter of the model, in a layer of a type such as `Linear`. An adapter's factors
    /// are left out.
    fn weight<const D: usize>(&mut self, path: &str, layer: Option<&str>, param: &Param<Tensor<D>>);

    /// The weight visited last has a reparameterization of this name.
    fn reparameterization(&mut self, name: &str) {
        let _ = name;
    }

    /// The pruning mask of the weight visited last.
    fn mask<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        let _ = param;
    }
}

/// What to change on the way.
pub trait Change {
    /// A float parameter of the model; an adapter's factors are left out.
    fn weight<const D: usize>(&mut self, path: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let _ = path;
        param
    }

    /// The pruning mask of the weight at `path`.
    fn mask<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        let _ = path;
        param
    }
}

/// Looks at every parameter of `module` in the module's order.
pub fn visit<M: Module>(module: &M, visit: &mut impl Visit) {
    module.visit(&mut Walk::new(visit));
}

/// `module` with its parameters changed.
pub fn change<M: Module>(module: M, change: &mut impl Change) -> M {
    module.map(&mut Walk::new(change))
}

struct Walk<'a, A> {
    /// Names from the root, with the containers that they are in.
    steps: Vec<(String, String)>,
    action: &'a mut A,
}

impl<'a, A> Walk<'a, A> {
    fn new(action: &'a mut A) -> Self {
        Self {
            steps: Vec::new(),
            action,
        }
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.steps.push((name.to_string(), container.to_string()));
    }

    /// The dotted path of the current parameter, unless it is inside of a reparameterization.
    fn path(&self) -> Option<String> {
        self.reparameterization()
            .is_none()
            .then(|| self.dotted(self.steps.len()))
    }

    /// The path of the weight whose pruning mask is the current parameter.
    fn masked(&self) -> Option<String> {
        let at = self.reparameterization()?;
        (self.steps[at].0 == PRUNING_MASK).then(|| self.dotted(at))
    }

    /// Which step is into a reparameterization.
    fn reparameterization(&self) -> Option<usize> {
        let mut steps = self.steps.iter();
        steps.position(|(_, container)| container == REPARAMETERIZATION)
    }

    fn dotted(&self, steps: usize) -> String {
        let steps = self.steps[..steps].iter();
        let names: Vec<&str> = steps.map(|(name, _)| name.as_str()).collect();
        names.join(".")
    }
}

impl<A: Visit> ModuleVisitor for Walk<'_, A> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.enter(name, container_type);
        if container_type == REPARAMETERIZATION {
            self.action.reparameterization(name);
        }
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.steps.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(path) = self.path() else { return };
        let container = self.steps.last().map(|(_, container)| container.as_str());
        let layer = container.and_then(|container| container.strip_prefix("Struct:"));
        self.action.weight(&path, layer, param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        if self.masked().is_some() {
            self.action.mask(param);
        }
    }
}

impl<A: Change> ModuleMapper for Walk<'_, A> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.steps.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.path() {
            Some(path) => self.action.weight(&path, param),
            None => param,
        }
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        match self.masked() {
            Some(path) => self.action.mask(&path, param),
            None => param,
        }
    }
}
