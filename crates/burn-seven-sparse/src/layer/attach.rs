//! Putting packed forms on a model's weights.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::{Module, Param, ParamId, Reparameterizer};
use burn::tensor::Tensor;

use super::form::{Form, PackedForm};

/// Gives the weights of these paths their forms. The model should be in its inference state, and
/// no weight of them should carry a reparameterization.
pub(super) fn attach<M: Module>(model: M, forms: HashMap<String, Form>) -> M {
    model.apply_reparameterization(Attach { forms })
}

struct Attach {
    forms: HashMap<String, Form>,
}

impl Reparameterizer for Attach {
    type Reparam = PackedForm;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<PackedForm>) {
        match self.forms.remove(path) {
            None => (param, None),
            Some(form) => (forget(param, &form), Some(PackedForm::new(form))),
        }
    }
}

/// The parameter without its values, which come back from the packed form when they are asked for.
fn forget<const D: usize>(param: Param<Tensor<D>>, form: &Form) -> Param<Tensor<D>> {
    let trains = Module::train(param.clone()).val().is_require_grad();
    let (id, shape): (ParamId, _) = (param.id, param.lazy_shape());
    let (_, _, mapper) = param.consume();
    let (saved, loaded) = (Arc::new(mapper.clone()), mapper);
    let (weight, dims) = (form.weight.clone(), shape.clone());
    let init = move |device: &_, require_grad| {
        let dense: Tensor<D> = weight.to_dense(device).reshape(dims);
        dense.set_require_grad(require_grad)
    };
    Param::uninitialized(id, init, form.device.clone(), trains, shape)
        .load_mapper(move |tensor| loaded.on_load(tensor))
        .save_mapper(move |tensor| saved.on_save(tensor))
}
