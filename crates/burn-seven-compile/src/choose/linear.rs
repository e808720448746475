//! Linear layers.

use std::hint::black_box;
use std::sync::{Arc, PoisonError};

use burn::backend::Flex;
use burn::tensor::Shape;
use burn_backend::ops::FloatTensorOps;
use burn_seven_cpu::sparse::{Packed, multiply};
use burn_seven_kernels::Activation;

use super::{Choice, Key, Known, Measured, key, packs, trial::shortest};
use crate::config::Products;
use crate::kernels::{Linear, Weight};
use crate::value::Value;

/// Rows that are tried at most: more take longer in proportion.
const ROWS: usize = 128;

/// A weight's forms.
#[derive(Debug, Clone)]
pub(super) struct Form {
    nonzeros: usize,
    dense: Value,
    packed: Option<Arc<Packed>>,
}

pub(super) fn choose(
    linear: &mut Linear,
    input: &Shape,
    products: Products,
    known: &Known,
) -> Option<Choice> {
    let Weight::Given(values) = &linear.weight else {
        return None;
    };
    let rows = input.num_elements() / linear.shape[0];
    let form = form(known, values, linear.shape, products);
    let mut measured = None;
    let sparse = match (products, &form.packed) {
        (Products::Measured, Some(packed)) if rows > 0 => {
            let times = measure(known, &form, packed, rows);
            measured = Some(times);
            times.sparse < times.dense
        }
        (Products::Sparse, Some(_)) => true,
        _ => false,
    };
    linear.weight = match (sparse, &form.packed) {
        (true, Some(packed)) => Weight::Sparse(packed.clone()),
        _ => Weight::Dense(form.dense.clone()),
    };
    Some(Choice {
        paths: linear.paths.clone(),
        shape: linear.shape.to_vec(),
        rows,
        nonzeros: form.nonzeros,
        sparse,
        measured,
    })
}

/// The weight that these parts make beside each other, each of shape `[inputs, outputs]`.
fn form(known: &Known, parts: &[Value], shape: [usize; 2], products: Products) -> Form {
    let keys: Vec<Key> = parts.iter().map(key).collect();
    let weights = || known.weights.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, form)) = weights().get(&keys) {
        return form.clone();
    }
    let dense = match parts {
        [one] => one.clone(),
        _ => beside(parts, shape),
    };
    let rows = dense.clone().contiguous();
    let values = rows.floats();
    let nonzeros = values.iter().filter(|value| **value != 0.0).count();
    let packed = packs(products, nonzeros, values.len())
        .then(|| Arc::new(Packed::new(values, shape[0], shape[1])));
    let form = Form {
        nonzeros,
        dense,
        packed,
    };
    weights().insert(keys, (parts.to_vec(), form.clone()));
    form
}

/// Both products' times for so many rows; weights of one size and about one density count as one.
fn measure(known: &Known, form: &Form, packed: &Packed, rows: usize) -> Measured {
    let tried = rows.min(ROWS);
    let [inputs, outputs] = [packed.inputs(), packed.outputs()];
    let percent = 100 * form.nonzeros / (inputs * outputs);
    let times = known.times(vec![inputs, outputs, percent, tried], || {
        let input = Value::from_floats(vec![1.0; tried * inputs], Shape::new([tried, inputs]));
        let dense = shortest(|| {
            black_box(Flex::float_matmul(input.0.clone(), form.dense.0.clone()));
        });
        let mut output = Vec::new();
        let sparse = shortest(|| {
            let none = Activation::None;
            multiply(packed, input.floats(), tried, None, none, &mut output);
            black_box(&output);
        });
        Measured { dense, sparse }
    });
    let more = rows as f64 / tried as f64;
    Measured {
        dense: times.dense * more,
        sparse: times.sparse * more,
    }
}

/// Columns of weights beside each other.
fn beside(parts: &[Value], [inputs, outputs]: [usize; 2]) -> Value {
    let parts: Vec<Value> = parts.iter().cloned().map(Value::contiguous).collect();
    let mut values = Vec::with_capacity(inputs * outputs);
    for row in 0..inputs {
        for part in &parts {
            let width = part.shape()[1];
            values.extend_from_slice(&part.floats()[row * width..][..width]);
        }
    }
    Value::from_floats(values, Shape::new([inputs, outputs]))
}
