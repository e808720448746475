//! Weights in half precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, FloatDType, Tensor};
use burn_seven::train::Wrap;
use burn_seven_tests::model::Batch;
use burn_train::TrainStep;

use crate::student::Student;
use crate::{adamw, bytes, config, seven};

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| {
            value
                .without_autodiff()
                .cast(self.0)
                .autodiff()
                .require_grad()
        })
    }
}

#[test]
fn half_precision_weights_are_pruned_saved_and_resumed() {
    // Not every device has the type.
    let device = Device::flex().autodiff();
    let mut optim = adamw();
    let model = || Student::new(3, &device).map(&mut Cast(FloatDType::BF16));
    let wrapped = || {
        let model = model();
        config().init(seven(), &model).unwrap().wrap(model).unwrap()
    };
    let batch = |item| {
        let mut batch = Batch::new(item, &device);
        batch.targets = batch.targets.cast(FloatDType::BF16);
        batch
    };
    let mut pruned = wrapped();
    for item in 0..20 {
        let output = TrainStep::step(&pruned, batch(item));
        pruned = pruned.optimize(&mut optim, 0.02.into(), output.grads);
        assert_eq!(pruned.error(), None);
        if item == 9 {
            let saved = burn::tensor::Bytes::from_bytes_vec(bytes(pruned.clone()));
            let record = burn::store::ModuleRecord::from_bytes(saved).unwrap();
            pruned = wrapped().load_record(record);
        }
    }
    let model = pruned.finish().unwrap();
    let kept = model.net.second.weight.val().dtype();
    assert_eq!(FloatDType::from(kept), FloatDType::BF16);
    let zeros = [&model.net.first, &model.net.second, &model.net.head].map(|layer| {
        let zero = layer.weight.val().cast(FloatDType::F32).equal_scalar(0.0);
        zero.int().sum().into_scalar::<i64>()
    });
    assert_eq!(zeros.iter().sum::<i64>(), 109);
}
