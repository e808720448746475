//! Some of many, by a seed.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// At most `cap` of the items, in their order; all for a cap of 0.
///
/// Which ones depends on how many items there are, the cap and the seed, and on nothing else. The
/// items of a smaller cap are among those of a larger one.
pub fn capped<T>(items: Vec<T>, cap: usize, seed: u64) -> Vec<T> {
    if cap == 0 || cap >= items.len() {
        return items;
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    let mut chosen = vec![false; items.len()];
    for &index in &order[..cap] {
        chosen[index] = true;
    }
    let marked = items.into_iter().zip(chosen);
    marked
        .filter_map(|(item, chosen)| chosen.then_some(item))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::capped;

    #[test]
    fn the_same_seed_gives_the_same_items_in_their_order() {
        let some = capped((0..1000).collect(), 30, 7);
        assert_eq!(some.len(), 30);
        assert!(some.is_sorted());
        assert_eq!(some, capped((0..1000).collect(), 30, 7));
        assert_ne!(some, capped((0..1000).collect(), 30, 8));
    }

    #[test]
    fn a_smaller_cap_gives_a_part_of_a_larger_one() {
        let more = capped((0..100).collect(), 40, 3);
        let fewer = capped((0..100).collect(), 10, 3);
        assert!(fewer.iter().all(|item| more.contains(item)));
    }

    #[test]
    fn no_cap_or_a_large_one_gives_all() {
        assert_eq!(capped(vec!['a', 'b'], 0, 1), ['a', 'b']);
        assert_eq!(capped(vec!['a', 'b'], 2, 1), ['a', 'b']);
        assert_eq!(capped(vec!['a', 'b'], 9, 1), ['a', 'b']);
        assert!(capped(Vec::<char>::new(), 1, 1).is_empty());
    }
}
