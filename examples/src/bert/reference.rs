//! The encoder beside transformers' BertModel, whose numbers `examples/reference/bert.py` wrote.

use std::env;
use std::path::PathBuf;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Int, Tensor};
use burn_seven::{Masks, Selection};

use super::testing::{Files, difference, reference, tiny_config};
use super::{Bert, BertBatch, BertConfig, load, mean_pooled};

/// Names the folder of all-MiniLM-L6-v2.
const MODEL: &str = "BURN_SEVEN_MINILM";

#[test]
fn tiny_model_gives_the_hidden_states_of_transformers() {
    let tiny = reference().tiny;
    let device = burn_seven::device();
    let model = Files::tiny().load(&device).unwrap();
    let batch = tiny.input.batch(&device);

    let hidden = model.forward(&batch);
    assert!(difference(hidden.clone(), &tiny.hidden.concat().concat()) < 1e-5);
    let pooled = mean_pooled(hidden, batch.mask);
    assert!(difference(pooled, &tiny.pooled.concat()) < 1e-5);
}

#[test]
fn pretrained_model_gives_the_hidden_states_of_transformers() {
    let Some(dir) = env::var_os(MODEL).map(PathBuf::from) else {
        eprintln!("skipped: {MODEL} names no folder of all-MiniLM-L6-v2");
        return;
    };
    let expected = reference().minilm;
    let device = burn_seven::device();
    let model = load(&dir, &device).unwrap();
    let batch = expected.input.batch(&device);

    let norm = |tensor: Tensor<3>| tensor.square().sum_dim(2).sqrt();
    let hidden = model.forward(&batch);
    let first = hidden.clone().slice_dim(2, 0..8);
    let tokens = batch.mask.clone().float().unsqueeze_dim::<3>(2);
    let norms = norm(hidden.clone() * tokens);
    let close = 5e-5; // norms are near 10, and single precision near that is 1e-6 apart
    assert!(difference(first, &expected.first_8_of_each_token.concat().concat()) < close);
    assert!(difference(norms, &expected.norm_of_each_token.concat()) < close);

    let pooled = mean_pooled(hidden, batch.mask);
    let norms = norm(pooled.clone().unsqueeze_dim::<3>(1));
    let first = pooled.slice_dim(1, 0..8);
    assert!(difference(first, &expected.first_8_of_pooled.concat()) < close);
    assert!(difference(norms, &expected.norm_of_pooled) < close);
}

#[test]
fn what_is_in_the_padding_does_not_change_the_tokens() {
    let device = burn_seven::device();
    let model = Files::tiny().load(&device).unwrap();
    let tokens = |ids: &[i64], mask: &[bool]| {
        let ids = Tensor::<1, Int>::from_data(ids, &device).unsqueeze_dim::<2>(0);
        let batch = BertBatch {
            types: ids.zeros_like(),
            ids,
            mask: Tensor::<1, Int>::from_data(mask, &device)
                .bool()
                .unsqueeze_dim::<2>(0),
        };
        model.forward(&batch).slice_dim(1, 0..3)
    };
    let alone = tokens(&[2, 17, 3], &[true; 3]);
    let alone = alone.try_into_vec_as::<f32>().unwrap();
    let mask = [true, true, true, false, false];
    assert!(difference(tokens(&[2, 17, 3, 0, 0], &mask), &alone) < 1e-6);
    assert!(difference(tokens(&[2, 17, 3, 28, 11], &mask), &alone) < 1e-6);
    assert!(difference(tokens(&[2, 17, 3, 28, 11], &[true; 5]), &alone) > 1e-3);
}

#[test]
fn the_matrices_of_the_layers_are_what_is_pruned() {
    // MiniLM-L6-H384, but for the tables, which are not pruned.
    let config = BertConfig {
        hidden_size: 384,
        num_hidden_layers: 6,
        num_attention_heads: 12,
        intermediate_size: 1536,
        ..tiny_config()
    };
    let model = config.init(&burn_seven::device());
    let masks = Masks::of_model(&model, &Selection::new()).unwrap();
    assert_eq!(masks.len(), 6 * 6);
    assert_eq!(masks.total(), 10_616_832);
    assert!(masks.iter().all(|mask| mask.path().starts_with("layers.")));
}

#[test]
fn frozen_embeddings_have_no_gradient_and_their_norm_has() {
    let device = burn_seven::device().autodiff();
    let batch = reference().tiny.input.batch(&device);
    let paths = |frozen: bool| {
        let model = Files::tiny().load(&device).unwrap();
        let model = match frozen {
            true => model.freeze_embeddings(),
            false => model,
        };
        with_gradient(&model, model.forward(&batch).square().mean())
    };
    let tables = ["word", "position", "token_type"].map(|name| format!("embeddings.{name}.weight"));
    // A layer has 6 matrices and 2 norms, each with a bias; the embeddings 3 tables and a norm.
    let (trained, frozen) = (paths(false), paths(true));
    assert!(tables.iter().all(|table| trained.contains(table)));
    assert!(!tables.iter().any(|table| frozen.contains(table)));
    assert_eq!(trained.len(), 2 * 16 + 5);
    assert_eq!(frozen.len(), 2 * 16 + 2);
}

/// The paths of the float parameters that a loss has a gradient for.
fn with_gradient(model: &Bert, loss: Tensor<1>) -> Vec<String> {
    struct Paths {
        grads: Gradients,
        path: Vec<String>,
        found: Vec<String>,
    }
    impl ModuleVisitor for Paths {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.val().grad(&self.grads).is_some() {
                self.found.push(self.path.join("."));
            }
        }
    }
    let mut paths = Paths {
        grads: loss.backward(),
        path: Vec::new(),
        found: Vec::new(),
    };
    model.visit(&mut paths);
    paths.found
}
