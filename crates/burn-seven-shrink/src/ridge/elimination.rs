//! Units that go one after the other, each the one that costs least by then.

use faer::Mat;

/// One reader's share of an elimination of units.
pub(super) struct Elimination {
    /// The inverse of the second moments of what is left.
    pub inverse: Mat<f64>,
    /// The weight's rows, with what has gone made up for.
    pub rows: Vec<Vec<f64>>,
}

impl Elimination {
    /// What the outputs' mean square error grows by when these places go and the rest makes up for
    /// them.
    fn cost(&self, places: &[usize]) -> f64 {
        let own = |row: usize, column: usize| self.inverse[(places[row], places[column])];
        let inverse = Mat::from_fn(places.len(), places.len(), own);
        let rows = places.iter().map(|&place| self.rows[place].clone());
        let mut block = Self {
            inverse,
            rows: rows.collect(),
        };
        (0..places.len()).map(|place| block.remove(place)).sum()
    }

    /// Takes a place out, and gives what it costs.
    fn remove(&mut self, place: usize) -> f64 {
        let pivot = self.inverse[(place, place)];
        if pivot <= 0.0 {
            return 0.0; // gone already
        }
        let row = self.rows[place].clone();
        let column: Vec<f64> = self.inverse.col(place).iter().copied().collect();
        for (other, share) in column.iter().map(|entry| entry / pivot).enumerate() {
            let pairs = self.rows[other].iter_mut().zip(&row);
            pairs.for_each(|(entry, lost)| *entry -= share * lost);
            for (next, entry) in column.iter().enumerate() {
                self.inverse[(next, other)] -= share * entry;
            }
        }
        self.inverse[(place, place)] = 0.0;
        row.iter().map(|entry| entry * entry).sum::<f64>() / pivot
    }
}

/// Units that go one after the other, each the one that costs least at the time.
pub(super) fn eliminate(systems: &mut [Elimination], units: usize, count: usize) -> Vec<usize> {
    let mut gone: Vec<usize> = Vec::new();
    for _ in 0..count {
        let cost = |unit: usize| -> f64 {
            let costs = systems
                .iter()
                .map(|system| system.cost(&places(system, unit, units)));
            costs.sum()
        };
        let left = (0..units).rev().filter(|unit| !gone.contains(unit));
        let costs = left.map(|unit| (cost(unit), unit));
        let Some((_, unit)) = costs.min_by(|one, other| one.0.total_cmp(&other.0)) else {
            break;
        };
        for system in systems.iter_mut() {
            for place in places(system, unit, units) {
                system.remove(place);
            }
        }
        gone.push(unit);
    }
    gone
}

pub(super) fn places(system: &Elimination, unit: usize, units: usize) -> Vec<usize> {
    let inner = system.rows.len() / units;
    (unit * inner..(unit + 1) * inner).collect()
}
