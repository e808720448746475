//! Linear layers.

use std::hint::black_box;
use std::sync::{Arc, OnceLock, PoisonError};

use burn::backend::Flex;
use burn::tensor::Shape;
use burn_backend::ops::FloatTensorOps;
use burn_seven_cpu::sparse::{Packed, multiply};
use burn_seven_kernels::Activation;

use super::identity::Identity;
use super::{Choice, Known, Measured, ProductKind, packs, trial::shortest};
use crate::config::{CompileConfig, Precision, Products};
use crate::kernels::{Compact, Linear, Weight};
use crate::pool::Pool;
use crate::value::Value;

/// Rows that are tried at most: more take longer in proportion.
const ROWS: usize = 128;

/// Weights with a smaller share of zeros are tried for a few rows alone, for which Burn's dense
/// product is slow. Those without any are tried for all: outputs that read the same inputs share
/// what is loaded.
const ZEROS: f64 = 0.1;

/// What a few rows are.
const FEW: usize = 32;

/// A weight's forms.
#[derive(Debug, Clone)]
pub(super) struct Form {
    nonzeros: usize,
    /// Made where it is tried.
    packed: Arc<OnceLock<Arc<Packed>>>,
    compact: Option<Arc<Compact>>,
    /// Made where it is needed: it may be several weights copied beside each other.
    dense: Arc<OnceLock<Value>>,
}

pub(super) fn choose(
    linear: &mut Linear,
    input: &Shape,
    config: &CompileConfig,
    known: &Known,
) -> Option<Choice> {
    let Weight::Given(parts) = &linear.weight else {
        return None;
    };
    let rows = input.num_elements() / linear.shape[0];
    let form = form(known, parts, linear, config);
    let entries = linear.shape[0] * linear.shape[1];
    let tried = packs(config.products, form.nonzeros, entries, ZEROS)
        || config.products == Products::Measured && (rows <= FEW || form.nonzeros == entries);
    let packed = tried.then(|| {
        let packed = form
            .packed
            .get_or_init(|| pack(parts, linear.shape, config));
        packed.clone()
    });
    let mut measured = None;
    let sparse = match (config.products, &packed) {
        (Products::Measured, Some(packed)) if rows > 0 => {
            let dense = || dense(parts, linear.shape);
            let times = measure(known, &form, packed, dense, rows);
            measured = Some(times);
            times.sparse < times.dense
        }
        (Products::Sparse, Some(_)) => true,
        _ => false,
    };
    let (weight, kind) = match (sparse, packed, &form.compact) {
        (true, Some(packed), _) => (Weight::Sparse(packed), ProductKind::Sparse),
        (_, _, Some(compact)) => (Weight::Compact(compact.clone()), ProductKind::Compact),
        _ => {
            let dense = form.dense.get_or_init(|| dense(parts, linear.shape));
            (Weight::Dense(dense.clone()), ProductKind::Dense)
        }
    };
    linear.weight = weight;
    Some(Choice {
        paths: linear.paths.clone(),
        shape: linear.shape.to_vec(),
        rows,
        nonzeros: form.nonzeros,
        kind,
        rounded: kind == ProductKind::Sparse && config.precision == Precision::Bfloat16,
        measured,
    })
}

/// The weight that these parts make beside each other, each of shape `[inputs, outputs]`.
fn dense(parts: &[Value], shape: [usize; 2]) -> Value {
    match parts {
        [one] => one.clone(),
        _ => beside(parts, shape),
    }
}

fn pack(parts: &[Value], shape: [usize; 2], config: &CompileConfig) -> Arc<Packed> {
    let pack = match config.precision {
        Precision::Float32 => Packed::new,
        Precision::Bfloat16 => Packed::new_bf16,
    };
    let dense = dense(parts, shape).contiguous();
    Arc::new(pack(dense.floats(), shape[0], shape[1]))
}

/// The forms of that weight that save something.
fn form(known: &Known, parts: &[Value], linear: &Linear, config: &CompileConfig) -> Form {
    let shape = linear.shape;
    let identity = Identity::of(parts, linear.derived);
    let weights = || known.weights.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, form)) = weights().get(&identity)
        && identity.is_of(known, parts)
    {
        return form.clone();
    }
    let rows = dense(parts, shape).contiguous();
    let values = rows.floats();
    let nonzeros = values.iter().filter(|value| **value != 0.0).count();
    let compact = config.products == Products::Measured && nonzeros < values.len();
    let form = Form {
        nonzeros,
        packed: Arc::default(),
        compact: compact
            .then(|| Compact::new(values, shape[0], shape[1]))
            .flatten()
            .map(Arc::new),
        dense: Arc::default(),
    };
    weights().insert(identity, (parts.to_vec(), form.clone()));
    form
}

/// Both products' times for so many rows; weights of one size and about one density count as one.
/// Of one with rows or columns of zeros the dense product is that without them.
fn measure(
    known: &Known,
    form: &Form,
    packed: &Packed,
    dense: impl FnOnce() -> Value,
    rows: usize,
) -> Measured {
    let tried = rows.min(ROWS);
    let [inputs, outputs] = [packed.inputs(), packed.outputs()];
    let percent = 100 * form.nonzeros / (inputs * outputs);
    let left = form.compact.as_ref().map(|compact| compact.weight.shape());
    // With few rows most of the time goes by reading the weight.
    let cold = rows <= FEW && known.weights_leave_caches();
    let mut of = vec![inputs, outputs, percent, tried, usize::from(cold)];
    of.extend(left.into_iter().flat_map(|left| left.to_vec()));
    let times = known.times(of, || {
        let input = Value::from_floats(vec![1.0; tried * inputs], Shape::new([tried, inputs]));
        let pool = Pool::default();
        let dense = match &form.compact {
            Some(compact) => shortest(cold, || pool.give(compact.multiply(&input, tried, &pool))),
            None => {
                let weight = dense();
                shortest(cold, || {
                    black_box(Flex::float_matmul(input.0.clone(), weight.0.clone()));
                })
            }
        };
        let mut output = Vec::new();
        let sparse = shortest(cold, || {
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
