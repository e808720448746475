//! Convolutions.

use std::hint::black_box;
use std::sync::{Arc, PoisonError};

use burn::tensor::Shape;
use burn_seven_cpu::sparse::PackedConvolution;

use super::identity::Identity;
use super::{Choice, Known, Measured, ProductKind, packs, trial::shortest};
use crate::config::Products;
use crate::kernels::{Convolution, Filter};
use crate::value::Value;

/// Images that are tried at most: more take longer in proportion.
const IMAGES: usize = 2;

/// All are tried: the sparse kernel may be faster than Burn's convolution without any zeros.
const ZEROS: f64 = 0.0;

pub(super) fn choose(
    convolution: &mut Convolution,
    input: &Shape,
    products: Products,
    known: &Known,
) -> Option<Choice> {
    let Filter::Given(filter) = &convolution.filter else {
        return None;
    };
    let [batch, height, width] = Convolution::sizes(input)?;
    let [rows, columns] = convolution.shape.output_size(height, width)?;
    let filter = filter.clone();
    let values = filter.floats();
    let nonzeros = values.iter().filter(|value| **value != 0.0).count();
    let packed = packs(products, nonzeros, values.len(), ZEROS)
        .then(|| pack(known, &filter, convolution))
        .flatten();
    let mut measured = None;
    let sparse = match (products, &packed) {
        (Products::Measured, Some(packed)) => {
            let percent = 100 * nonzeros / values.len().max(1);
            let times = measure(known, convolution, &filter, packed, (input, percent));
            measured = Some(times);
            times.sparse < times.dense
        }
        (Products::Sparse, Some(_)) => true,
        _ => false,
    };
    let shape = filter.shape().to_vec();
    let kind;
    (convolution.filter, kind) = match (sparse, packed) {
        (true, Some(packed)) => (Filter::Sparse(packed), ProductKind::Sparse),
        _ => (Filter::Dense(filter), ProductKind::Dense),
    };
    Some(Choice {
        paths: vec![convolution.path.clone()],
        shape,
        rows: batch * rows * columns,
        nonzeros,
        kind,
        rounded: false,
        measured,
    })
}

fn pack(
    known: &Known,
    filter: &Value,
    convolution: &Convolution,
) -> Option<Arc<PackedConvolution>> {
    let filters = || known.filters.lock().unwrap_or_else(PoisonError::into_inner);
    let parts = std::slice::from_ref(filter);
    let identity = Identity::of(parts, convolution.derived);
    if let Some((known, packed)) = filters().get(&identity)
        && *packed.shape() == convolution.shape
        && identity.is_of(std::slice::from_ref(known), parts)
    {
        return Some(packed.clone());
    }
    let packed = Arc::new(PackedConvolution::new(filter.floats(), convolution.shape)?);
    filters().insert(identity, (filter.clone(), packed.clone()));
    Some(packed)
}

/// Both forms' times for such an input; filters of one shape and about one density count as one.
fn measure(
    known: &Known,
    convolution: &Convolution,
    filter: &Value,
    packed: &PackedConvolution,
    (input, percent): (&Shape, usize),
) -> Measured {
    let mut sizes = input.to_vec();
    let more = (sizes[0] as f64 / IMAGES as f64).max(1.0);
    sizes[0] = sizes[0].min(IMAGES);
    let shape = &convolution.shape;
    let mut of = vec![percent, shape.groups];
    let weight = filter.shape().to_vec();
    let padding = shape.padding.map(|(before, after)| [before, after]);
    let padding = padding.as_flattened();
    for list in [&weight, padding, &shape.stride, &shape.dilation, &sizes] {
        of.extend_from_slice(list);
    }
    let times = known.times(of, || {
        let input = vec![1.0; sizes.iter().product()];
        let input = Value::from_floats(input, Shape::from(sizes));
        let dense = shortest(false, || {
            black_box(convolution.dense(input.clone(), filter));
        });
        let mut output = Vec::new();
        let sparse = shortest(false, || {
            convolution.sparse(&input, packed, &mut output);
            black_box(&output);
        });
        Measured { dense, sparse }
    });
    Measured {
        dense: times.dense * more,
        sparse: times.sparse * more,
    }
}
