use burn::tensor::{Bool, Tensor};
use burn_seven_cubecl::Tensors;
use burn_seven_kernels::{Kernels, Portable, Rewrite, Threshold, Ties, Written, key_of};
use burn_seven_wgpu::kernels;

use crate::data::{Host, LENGTHS, Loaded, Scores, bools, floats, generator, read_bools};
use crate::expected;

type Backend = burn::backend::Cube;

fn assert_written(written: &Written, hosts: &[Host], threshold: Threshold) {
    let mut rest = threshold;
    assert_eq!(written.masks.len(), hosts.len());
    for (host, (mask, kept)) in hosts.iter().zip(&written.masks) {
        let right = expected::write(host, &mut rest);
        assert_eq!(
            *kept,
            right.iter().filter(|pruned| !**pruned).count() as u64,
            "{threshold:?}"
        );
        assert!(
            read_bools(mask) == right,
            "masks should be the same, {threshold:?}"
        );
    }
    assert_eq!(written.rest, rest, "the rest of {threshold:?}");
}

/// With the old masks held by someone else, and with them given away.
fn check(hosts: &[Host], threshold: Threshold) {
    let loaded: Vec<_> = hosts.iter().map(Host::upload).collect();
    let rewrites = || loaded.iter().map(Loaded::rewrite).collect();
    assert_written(&kernels().write(rewrites(), threshold), hosts, threshold);
    for (host, loaded) in hosts.iter().zip(&loaded) {
        assert!(
            read_bools(&loaded.pruned) == host.pruned,
            "a mask held elsewhere stays"
        );
    }
    assert_written(&Portable.write(rewrites(), threshold), hosts, threshold);

    let (given, held): (Vec<_>, Vec<_>) = loaded
        .into_iter()
        .map(|one| (one.pruned, (one.scores, one.regrows, one.reserved)))
        .unzip();
    let rewrites = given.into_iter().zip(&held);
    let rewrites =
        rewrites.map(
            |(pruned, (scores, regrows, reserved))| burn_seven_kernels::Rewrite {
                scores,
                pruned,
                regrows: *regrows,
                reserved: reserved.as_ref(),
            },
        );
    assert_written(
        &kernels().write(rewrites.collect(), threshold),
        hosts,
        threshold,
    );
}

#[test]
fn one_mask_is_written_right() {
    let rng = &mut generator(11);
    for scores in Scores::ALL {
        for length in LENGTHS {
            for (regrows, reserved) in [(false, false), (true, false), (false, true), (true, true)]
            {
                let host = Host::draw(scores, length, regrows, reserved, rng);
                let middle = host.scores.get(length / 2).copied().unwrap_or(0.5);
                for (kept, pruned) in [
                    (Ties::All, Ties::All),
                    (Ties::First(0), Ties::First(0)),
                    (Ties::First(length as u64 / 5), Ties::First(2)),
                ] {
                    let key = key_of(middle);
                    check(std::slice::from_ref(&host), Threshold { key, kept, pruned });
                }
            }
        }
    }
}

/// A mask and which memory it lies in.
fn placed(mask: Tensor<1, Bool>) -> (Tensor<1, Bool>, String) {
    let taken = <Backend as Tensors>::take_flags(mask);
    let place = format!("{:?}", taken.handle.clone().binding().memory.id());
    (<Backend as Tensors>::give_flags(taken), place)
}

#[test]
fn a_mask_held_by_no_one_else_is_written_in_place() {
    let host = Host::draw(Scores::Spread, 1000, false, false, &mut generator(15));
    let scores = floats(&host.scores);
    let (pruned, place) = placed(bools(&host.pruned));
    let rewrite = Rewrite {
        scores: &scores,
        pruned,
        regrows: false,
        reserved: None,
    };
    let threshold = Threshold {
        key: key_of(host.scores[7]),
        kept: Ties::All,
        pruned: Ties::First(0),
    };
    let written = kernels().write(vec![rewrite], threshold);
    assert_written(&written, &[host], threshold);
    let mask = written.masks.into_iter().next().map(|(mask, _)| mask);
    assert_eq!(placed(mask.expect("there should be one mask")).1, place);
}

#[test]
fn below_every_score_all_stay() {
    let host = Host::draw(Scores::Spread, 1000, true, false, &mut generator(12));
    check(std::slice::from_ref(&host), Threshold::NONE);
}

#[test]
fn any_number_of_ties_may_stay() {
    let rng = &mut generator(13);
    let host = Host::draw(Scores::Equal, 100_003, true, true, rng);
    for stay in [1, 2, 2047, 2048, 30_000, 53_000, 60_000, 1 << 40] {
        let threshold = Threshold {
            key: key_of(0.75),
            kept: Ties::First(stay),
            pruned: Ties::First(stay / 2),
        };
        check(std::slice::from_ref(&host), threshold);
    }
}

#[test]
fn ties_run_out_over_several_tensors() {
    let rng = &mut generator(14);
    let shapes = [
        (64, true),
        (0, false),
        (4097, true),
        (1, false),
        (1000, false),
        (7, true),
    ];
    let hosts: Vec<_> = shapes
        .into_iter()
        .map(|(length, regrows)| Host::draw(Scores::Equal, length, regrows, false, rng))
        .collect();
    for stay in (0..4000).step_by(97) {
        for back in [Ties::All, Ties::First(0), Ties::First(stay / 3)] {
            let threshold = Threshold {
                key: key_of(0.75),
                kept: Ties::First(stay),
                pruned: back,
            };
            check(&hosts, threshold);
        }
    }
}
