//! Batches of texts of similar length, so that little is padded.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// How many batches are sorted by length together.
const POOL: usize = 20;

/// One epoch: every index once, in batches of `batch` (0 counts as 1) in random order; one batch
/// is smaller where they do not come out even.
///
/// The texts are shuffled and cut into pools of 20 batches; each pool is sorted by length and cut
/// into batches, so a batch is of similar lengths and differs from epoch to epoch. The same
/// lengths and state of `rng` give the same batches.
pub fn epoch(lengths: &[usize], batch: usize, rng: &mut StdRng) -> Vec<Vec<usize>> {
    let batch = batch.max(1);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(rng);
    for pool in order.chunks_mut(batch.saturating_mul(POOL)) {
        pool.sort_by_key(|&index| lengths[index]);
    }
    let mut batches = cut(&order, batch);
    batches.shuffle(rng);
    batches
}

/// Every index once, shortest text first and equal ones by index, in batches of `batch` (0 counts
/// as 1), the last of which may be smaller. For evaluation.
pub fn in_order(lengths: &[usize], batch: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| lengths[index]);
    cut(&order, batch.max(1))
}

fn cut(order: &[usize], batch: usize) -> Vec<Vec<usize>> {
    order.chunks(batch).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn seeded(lengths: &[usize], batch: usize, seed: u64) -> Vec<Vec<usize>> {
        epoch(lengths, batch, &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn evaluation_goes_from_short_to_long() {
        assert_eq!(
            in_order(&[5, 2, 9, 2, 1], 2),
            [vec![4, 1], vec![3, 0], vec![2]]
        );
        assert!(in_order(&[], 2).is_empty());
    }

    #[test]
    fn one_pool_is_sorted_before_it_is_cut() {
        // Four batches of two fit in a pool, so each is of one length.
        let lengths = [7, 3, 5, 1, 3, 7, 1, 5];
        for batch in seeded(&lengths, 2, 0) {
            assert_eq!(lengths[batch[0]], lengths[batch[1]]);
        }
    }

    #[test]
    fn epochs_of_one_generator_differ() {
        let mut rng = StdRng::seed_from_u64(1);
        let lengths: Vec<usize> = (0..64).collect();
        assert_ne!(epoch(&lengths, 8, &mut rng), epoch(&lengths, 8, &mut rng));
    }

    proptest! {
        #[test]
        fn an_epoch_has_every_index_once_in_full_batches(
            lengths in prop::collection::vec(1_usize..100, 0..300),
            batch in 1_usize..12,
            seed in any::<u64>(),
        ) {
            for batches in [seeded(&lengths, batch, seed), in_order(&lengths, batch)] {
                let mut all = batches.concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
                prop_assert_eq!(batches.len(), lengths.len().div_ceil(batch));
                let smaller = batches.iter().filter(|b| b.len() < batch).count();
                prop_assert_eq!(smaller, usize::from(lengths.len() % batch != 0));
                prop_assert!(batches.iter().all(|b| !b.is_empty() && b.len() <= batch));
            }
            prop_assert_eq!(seeded(&lengths, batch, seed), seeded(&lengths, batch, seed));
        }
    }
}
