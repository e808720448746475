//! Tensors that do not lie in memory from front to back.

use burn::tensor::{Bool, Tensor};
use burn_seven_kernels::{Candidates, Digit, Histogram, Rewrite, Threshold, Ties, key_of};
use burn_seven_wgpu::kernels;

use crate::data::{Host, Scores, bools, floats, generator, read_bools};
use crate::expected;

/// Every second entry of a part, as it should be and as a view.
fn halves<T: Copy>(values: &[T]) -> Vec<T> {
    values[64..].iter().copied().step_by(2).collect()
}

fn view(tensor: Tensor<1>) -> Tensor<1> {
    let length = tensor.shape().num_elements() - 64;
    let part = tensor.narrow(0, 64, length);
    part.reshape([length / 2, 2])
        .slice([0..length / 2, 0..1])
        .reshape([length / 2])
}

fn view_flags(tensor: Tensor<1, Bool>) -> Tensor<1, Bool> {
    let length = tensor.shape().num_elements() - 64;
    let part = tensor.narrow(0, 64, length);
    part.reshape([length / 2, 2])
        .slice([0..length / 2, 0..1])
        .reshape([length / 2])
}

#[test]
fn views_of_larger_tensors_are_counted_and_written() {
    let whole = Host::draw(Scores::Few, 64 + 2000, true, true, &mut generator(41));
    let host = Host {
        scores: halves(&whole.scores),
        pruned: halves(&whole.pruned),
        regrows: true,
        reserved: whole.reserved.as_deref().map(halves),
    };
    let scores = view(floats(&whole.scores));
    let all_dropped = bools(&whole.pruned);
    let reserved = whole
        .reserved
        .as_deref()
        .map(|flags| view_flags(bools(flags)));

    let digit = Digit::highest(11);
    let (mut found, mut right) = (Histogram::new(11), Histogram::new(11));
    let pruned = view_flags(all_dropped.clone());
    let candidates = Candidates {
        scores: &scores,
        pruned: &pruned,
        regrows: true,
        reserved: reserved.as_ref(),
    };
    kernels().count(&[candidates], digit, &mut found);
    expected::count(&host, digit, &mut right);
    assert_eq!((found.kept, found.pruned), (right.kept, right.pruned));

    let threshold = Threshold {
        key: key_of(1.0),
        kept: Ties::First(50),
        pruned: Ties::First(20),
    };
    let rewrite = Rewrite {
        scores: &scores,
        pruned,
        regrows: true,
        reserved: reserved.as_ref(),
    };
    let written = kernels().write(vec![rewrite], threshold);
    let mut rest = threshold;
    assert_eq!(
        read_bools(&written.masks[0].0),
        expected::write(&host, &mut rest)
    );
    assert_eq!(
        read_bools(&all_dropped),
        whole.pruned,
        "what the view is of stays"
    );
    assert_eq!(written.rest, rest);
}
