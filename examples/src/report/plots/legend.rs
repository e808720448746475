//! The names of lines, beside the plot where they hide nothing.

use plotters::element::{PathElement, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::Chart;
use super::draw::{dashes, words};
use super::mark::{Canvas, Drawn, mark};

/// Pixels from name to name.
const ROW: i32 = 21;

/// Pixels of a sample of a line.
const SAMPLE: i32 = 26;

/// Draws the names downwards from a corner. `hidden` tells of a level that is below the plot.
pub fn draw(
    canvas: &Canvas<'_>,
    chart: &Chart,
    (left, mut y): (i32, i32),
    hidden: impl Fn(f64) -> bool,
) -> Drawn {
    let style = words(13).pos(Pos::new(HPos::Left, VPos::Center));
    for line in &chart.lines {
        let sample = vec![(left, y), (left + SAMPLE, y)];
        let stroke = line.style.color.stroke_width(line.style.width);
        canvas.draw(&PathElement::new(sample, stroke))?;
        if line.mark > 0 {
            mark(canvas, (left + SAMPLE / 2, y), 4, line.style)?;
        }
        let at = (left + SAMPLE + 8, y);
        canvas.draw(&Text::new(line.name.as_str(), at, style.clone()))?;
        y += ROW;
    }
    y += ROW / 3;
    for level in &chart.levels {
        dashes(canvas, (left, y), left + SAMPLE, level.dash)?;
        let at = (left + SAMPLE + 8, y);
        canvas.draw(&Text::new(level.name.as_str(), at, style.clone()))?;
        y += ROW;
        if hidden(level.value) {
            let text = format!("({:.1}, below)", level.value);
            canvas.draw(&Text::new(text, (at.0, y - 4), style.clone()))?;
            y += ROW;
        }
    }
    Ok(())
}
