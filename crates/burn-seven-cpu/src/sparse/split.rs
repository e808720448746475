//! Cutting the rows of activations into panels.

/// The widths, in rows, that there are kernels for.
pub const WIDTHS: [usize; 5] = [64, 32, 16, NARROWEST, 1];

/// The narrowest of more than one row.
const NARROWEST: usize = 8;

/// Some rows of activations that are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The first row.
    pub first: usize,
    /// How many rows there are, at most `width`.
    pub rows: usize,
    /// The panel's width; rows that are missing are zeros. Panels of width 1 may stand for a few
    /// rows, if there is something better than panels for them.
    pub width: usize,
}

/// Cuts `rows` into panels of at most `widest` rows.
///
/// A panel that is three quarters full or more is taken rather than two narrower ones: each panel
/// reads the whole weight. Of the narrowest panels those of more than `few` rows are taken; what is
/// left is one part, of width 1.
pub fn split(rows: usize, widest: usize, few: usize) -> Vec<Part> {
    let mut parts = Vec::with_capacity(rows / widest.max(1) + WIDTHS.len());
    let mut first = 0;
    while first < rows {
        let rest = rows - first;
        let fits = |width: &&usize| match **width {
            NARROWEST => NARROWEST <= widest && rest > few,
            width => width <= widest && rest * 4 >= width * 3,
        };
        let width = *WIDTHS.iter().find(fits).unwrap_or(&1);
        let rows = rest.min(if width == 1 { few.max(1) } else { width });
        parts.push(Part { first, rows, width });
        first += rows;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn widths(rows: usize) -> Vec<(usize, usize)> {
        let parts = split(rows, 64, 1);
        parts.iter().map(|part| (part.rows, part.width)).collect()
    }

    #[test]
    fn wide_panels_first_and_nearly_full_ones_padded() {
        assert_eq!(widths(128), [(64, 64), (64, 64)]);
        assert_eq!(widths(40), [(32, 32), (8, 8)]);
        assert_eq!(widths(48), [(48, 64)]);
        assert_eq!(widths(47), [(32, 32), (15, 16)]);
        assert_eq!(widths(6), [(6, 8)]);
        assert_eq!(widths(2), [(2, 8)]);
        assert_eq!(widths(9), [(8, 8), (1, 1)]);
        assert!(widths(0).is_empty());
        let parts = split(70, 32, 1);
        let widths: Vec<_> = parts.iter().map(|part| part.width).collect();
        assert_eq!(widths, [32, 32, 8]);
        let parts = split(36, 32, 4);
        let last = parts.last().map(|part| (part.rows, part.width));
        assert_eq!(last, Some((4, 1)));
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_panel(rows in 0usize..500, widest in 1usize..100, few in 1usize..5) {
            let mut next = 0;
            for part in split(rows, widest, few) {
                prop_assert_eq!(part.first, next);
                prop_assert!(part.width <= widest);
                prop_assert!(part.rows >= 1);
                let most = if part.width == 1 { few } else { part.width };
                prop_assert!(part.rows <= most);
                prop_assert!(WIDTHS.contains(&part.width));
                next += part.rows;
            }
            prop_assert_eq!(next, rows);
        }
    }
}
