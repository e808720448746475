//! What a plot shows, before it is drawn.

use super::style::Style;

/// What a plot shows.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Its title.
    pub title: String,
    /// A smaller line below it.
    pub subtitle: String,
    /// What x is.
    pub x: String,
    /// What y is.
    pub y: String,
    /// The ticks of x; chosen if empty.
    pub ticks: Vec<f64>,
    /// The lines.
    pub lines: Vec<Line>,
    /// Values for all x.
    pub levels: Vec<Level>,
    /// A part of the x axis to shade, and its name.
    pub band: Option<(f64, f64, String)>,
}

/// A line of a plot.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// How it looks.
    pub style: Style,
    /// Its points by rising x.
    pub points: Vec<Point>,
    /// Pixels by which it is shifted to the right, so that error bars can be told apart.
    pub shift: i32,
    /// The size of its marks in pixels; 0 for none.
    pub mark: i32,
}

/// A point of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// The mean.
    pub y: f64,
    /// Half the length of its error bar; 0 for none.
    pub spread: f64,
}

/// A value for all x.
#[derive(Debug, Clone)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Pixels of its dashes, and of the gaps between them.
    pub dash: (i32, i32),
}

impl Chart {
    /// Only what can be drawn; none if there are no points.
    pub fn checked(mut self) -> Option<Self> {
        for line in &mut self.lines {
            let finite = |p: &Point| [p.x, p.y, p.y - p.spread, p.y + p.spread].map(f64::is_finite);
            line.points.retain(|point| finite(point) == [true; 4]);
        }
        self.lines.retain(|line| !line.points.is_empty());
        self.levels.retain(|level| level.value.is_finite());
        (!self.lines.is_empty()).then_some(self)
    }

    /// The lowest and highest x.
    pub fn x_range(&self) -> (f64, f64) {
        let xs = self.lines.iter().flat_map(|line| &line.points);
        range(xs.map(|point| point.x))
    }

    /// The lowest and highest y of lines with their error bars and of levels. A level far below the
    /// lines is left out: it would press them together.
    pub fn y_range(&self) -> (f64, f64) {
        let ends = |p: &Point| [p.y - p.spread, p.y + p.spread];
        let points = self.lines.iter().flat_map(|line| &line.points);
        let (low, high) = range(points.flat_map(ends));
        let near = |value: &f64| *value >= low - 0.5 * (high - low);
        let levels = self.levels.iter().map(|level| level.value).filter(near);
        range(levels.chain([low, high]))
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    values.fold(start, |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

#[cfg(test)]
mod tests {
    use super::super::style::LEVEL;
    use super::*;

    pub fn chart(points: &[(f64, f64, f64)], levels: &[f64]) -> Chart {
        let point = |(x, y, spread): &(f64, f64, f64)| Point {
            x: *x,
            y: *y,
            spread: *spread,
        };
        let level = |value: &f64| Level {
            name: "level".to_string(),
            value: *value,
            dash: (2, 2),
        };
        Chart {
            title: String::new(),
            subtitle: String::new(),
            x: String::new(),
            y: String::new(),
            ticks: Vec::new(),
            lines: vec![Line {
                name: "line".to_string(),
                style: LEVEL,
                points: points.iter().map(point).collect(),
                shift: 0,
                mark: 4,
            }],
            levels: levels.iter().map(level).collect(),
            band: None,
        }
    }

    #[test]
    fn ranges_hold_error_bars_and_levels() {
        let chart = chart(&[(0.5, 0.8, 0.1), (0.9, 0.6, 0.0)], &[0.95, 0.5]);
        assert_eq!(chart.x_range(), (0.5, 0.9));
        assert_eq!(chart.y_range(), (0.5, 0.95));
    }

    #[test]
    fn a_level_far_below_is_out_of_range() {
        let chart = chart(&[(0.5, 0.9, 0.0), (0.9, 0.8, 0.0)], &[0.7]);
        assert_eq!(chart.y_range(), (0.8, 0.9));
    }

    #[test]
    fn points_that_are_no_numbers_are_left_out() {
        let nan = f64::NAN;
        let mixed = chart(&[(0.5, 0.9, 0.0), (0.6, nan, 0.0)], &[nan]);
        let mixed = mixed.checked().unwrap();
        assert_eq!((mixed.lines[0].points.len(), mixed.levels.len()), (1, 0));
        let huge = chart(&[(0.5, f64::MAX, f64::MAX)], &[0.5]);
        assert!(huge.checked().is_none());
    }
}
