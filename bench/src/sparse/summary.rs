//! Medians over the shapes, beside the bounds; and where sparse breaks even.

use super::products::Figures;
use crate::numbers::Spread;

/// The least times faster, with one thread: sparsity and bound.
const BOUNDS: [(f64, f64); 4] = [(0.7, 1.9), (0.8, 2.8), (0.9, 5.0), (0.95, 9.0)];

pub fn print(all: &[Figures], threads: usize) {
    let mut rows: Vec<usize> = all.iter().map(|figures| figures.rows).collect();
    rows.sort_unstable();
    rows.dedup();
    println!();
    println!("median over the shapes, times faster than the fastest dense; break-even sparsity");
    for rows in rows {
        let of_rows: Vec<&Figures> = all.iter().filter(|figures| figures.rows == rows).collect();
        let Some(first) = of_rows.first() else {
            continue;
        };
        let mut medians = Vec::new();
        for (place, &(sparsity, _)) in first.sparse.iter().enumerate() {
            medians.push((sparsity, median(&of_rows, place, |_| true)));
        }
        let texts = medians.iter().map(|&(sparsity, ratio)| {
            let bound = BOUNDS
                .iter()
                .find(|bound| bound.0 == sparsity && rows >= 32 && threads == 1);
            let bound = bound.map_or(String::new(), |(_, bound)| match ratio >= *bound {
                true => format!(" (bound {bound}, met)"),
                false => format!(" (bound {bound}, MISSED)"),
            });
            format!("{:.0} % {ratio:.2}{bound}", sparsity * 100.0)
        });
        let texts: Vec<String> = texts.collect();
        let even =
            break_even(&medians).map_or("-".to_string(), |even| format!("{:.0} %", even * 100.0));
        println!("  {rows:4} rows: {}; even at {even}", texts.join(", "));
        let burns = over_burns(&of_rows);
        println!("  {:9} over Burn's own: {}", "", burns.join(", "));
    }
}

/// The same medians over the dense products of Burn's backends alone.
fn over_burns(figures: &[&Figures]) -> Vec<String> {
    let sparsities = figures.first().map_or(&[][..], |figures| &figures.sparse);
    let text = |(place, (sparsity, _)): (usize, &(f64, Vec<f64>))| {
        let ratio = median(figures, place, |name| matches!(name, "ndarray" | "flex"));
        format!("{:.0} % {ratio:.2}", sparsity * 100.0)
    };
    sparsities.iter().enumerate().map(text).collect()
}

/// The median over the shapes of how many times faster the sparse products at a place are.
fn median(figures: &[&Figures], place: usize, counted: impl Fn(&str) -> bool) -> f64 {
    let ratios = figures.iter().filter_map(|figures| {
        let (_, rounds) = figures.sparse.get(place)?;
        Some(figures.faster(rounds, &counted))
    });
    Spread::of(ratios).median
}

/// The sparsity from which on sparse is faster, between two that were measured by a straight line;
/// the least measured one where it is faster already.
fn break_even(medians: &[(f64, f64)]) -> Option<f64> {
    let above = medians.iter().position(|(_, ratio)| *ratio >= 1.0)?;
    let (sparsity, ratio) = medians[above];
    let Some((before, lower)) = above.checked_sub(1).map(|index| medians[index]) else {
        return Some(sparsity);
    };
    Some(before + (sparsity - before) * (1.0 - lower) / (ratio - lower))
}

#[cfg(test)]
mod tests {
    use super::break_even;

    // From 0.5 at 60 % to 1.5 at 80 %: 1 is half way.
    #[test]
    fn the_break_even_is_on_the_line_between_two_points() {
        let even = break_even(&[(0.6, 0.5), (0.8, 1.5)]);
        assert!(even.is_some_and(|even| (even - 0.7).abs() < 1e-12));
        assert_eq!(break_even(&[(0.6, 1.5)]), Some(0.6));
        assert_eq!(break_even(&[(0.6, 0.5)]), None);
    }
}
