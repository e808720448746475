//! Cutting the positions of the output into panels.

use super::super::split::Part;

/// Cuts positions into panels.
///
/// Panels of 16 and less all take the time of reading the weights, so none is narrower than 8
/// positions, and hardly any position is alone in a panel. The widest are of 64 however sparse the
/// weight is: copying takes a larger part of the time than transposing rows does.
pub fn split(positions: usize) -> Vec<Part> {
    const WIDEST: usize = 64;
    let mut parts = Vec::with_capacity(positions / WIDEST + 2);
    let mut first = 0;
    while first < positions {
        let rest = positions - first;
        let width = match rest {
            1..=8 => 8,
            9..=16 => 16,
            // Two panels rather than one that is not three quarters full.
            17..=48 => 32,
            _ => WIDEST,
        };
        let rows = rest.min(width);
        parts.push(Part { first, rows, width });
        first += rows;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(positions: usize) -> Vec<(usize, usize)> {
        let parts = split(positions);
        parts.iter().map(|part| (part.rows, part.width)).collect()
    }

    #[test]
    fn planes_are_cut_into_few_panels() {
        assert!(widths(0).is_empty());
        assert_eq!(widths(1), [(1, 8)]);
        assert_eq!(widths(49), [(49, 64)]);
        assert_eq!(widths(196), [(64, 64), (64, 64), (64, 64), (4, 8)]);
        assert_eq!(widths(100), [(64, 64), (32, 32), (4, 8)]);
        assert_eq!(widths(40), [(32, 32), (8, 8)]);
    }
}
