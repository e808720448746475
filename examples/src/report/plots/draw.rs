//! Drawing a chart.

use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TRANSPARENT, TextStyle, WHITE};

use super::axis::Axis;
use super::chart::{Chart, Line};
use super::legend;
use super::mark::{Canvas, Drawn, mark};
use crate::report::error::Error;

/// Width and height in pixels.
const SIZE: (u32, u32) = (800, 500);

/// Pixels on the right for the legend.
const LEGEND: u32 = 158;

/// The colour of words.
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);

/// The colour of the grid.
const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);

/// The chart as SVG.
///
/// # Errors
///
/// What the drawing library says.
pub fn draw(chart: &Chart) -> Result<String, Error> {
    let mut svg = String::new();
    let canvas = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    whole(&canvas, chart)?;
    canvas.present()?;
    drop(canvas);
    Ok(svg)
}

fn whole(canvas: &Canvas<'_>, chart: &Chart) -> Drawn {
    canvas.fill(&WHITE)?;
    canvas.draw(&Text::new(chart.title.as_str(), (16, 14), words(17)))?;
    canvas.draw(&Text::new(chart.subtitle.as_str(), (16, 38), words(12)))?;
    let (low, high) = chart.x_range();
    let space = if chart.ticks.is_empty() { 0.02 } else { 0.12 };
    let x = Axis::around(low, high, space, 8).with_ticks(&chart.ticks);
    let (low, high) = chart.y_range();
    let y = Axis::around(low, high, 0.05, 7);
    let (left, _) = canvas.split_horizontally(SIZE.0 - LEGEND);
    let mut plane = ChartBuilder::on(&left)
        .margin_top(62)
        .margin_bottom(8)
        .margin_left(8)
        .x_label_area_size(46)
        .y_label_area_size(62)
        .build_cartesian_2d(x.clone(), y.clone())?;
    plane
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(words(13))
        .axis_desc_style(words(14))
        .x_desc(chart.x.as_str())
        .y_desc(chart.y.as_str())
        .draw()?;
    let area = plane.plotting_area();
    let pixel = |x: f64, y: f64| area.map_coordinate(&(x, y));
    if let Some((from, to, name)) = &chart.band {
        let corners = [pixel(*from, y.high), pixel(*to, y.low)];
        canvas.draw(&Rectangle::new(corners, GRID.mix(0.4).filled()))?;
        let at = ((corners[0].0 + corners[1].0) / 2, corners[0].1 + 4);
        let style = words(12).pos(Pos::new(HPos::Center, VPos::Top));
        canvas.draw(&Text::new(name.as_str(), at, style))?;
    }
    for level in &chart.levels {
        if (y.low..=y.high).contains(&level.value) {
            let (start, end) = (pixel(x.low, level.value), pixel(x.high, level.value));
            dashes(canvas, start, end.0, level.dash)?;
        }
    }
    for line in chart.lines.iter().rev() {
        let at = |x, y| {
            let (x, y) = pixel(x, y);
            (x + line.shift, y)
        };
        one(canvas, line, at)?;
    }
    legend::draw(
        canvas,
        chart,
        ((SIZE.0 - LEGEND) as i32 + 14, 66),
        |value| value < y.low,
    )
}

/// A line with its error bars below its marks.
fn one(canvas: &Canvas<'_>, line: &Line, at: impl Fn(f64, f64) -> (i32, i32)) -> Drawn {
    let path: Vec<(i32, i32)> = line.points.iter().map(|p| at(p.x, p.y)).collect();
    let stroke = line.style.color.stroke_width(line.style.width);
    for point in line.points.iter().filter(|point| point.spread > 0.0) {
        let ends = [-1.0, 1.0].map(|sign| at(point.x, point.y + sign * point.spread));
        bar(canvas, ends, line.style.color.stroke_width(1))?;
    }
    canvas.draw(&PathElement::new(path.clone(), stroke))?;
    if line.mark > 0 {
        for point in path {
            mark(canvas, point, line.mark, line.style)?;
        }
    }
    Ok(())
}

fn bar(canvas: &Canvas<'_>, ends: [(i32, i32); 2], stroke: ShapeStyle) -> Drawn {
    canvas.draw(&PathElement::new(ends.to_vec(), stroke))?;
    for (x, y) in ends {
        canvas.draw(&PathElement::new(vec![(x - 2, y), (x + 2, y)], stroke))?;
    }
    Ok(())
}

/// A line to the right, in dashes.
pub fn dashes(canvas: &Canvas<'_>, start: (i32, i32), end: i32, (dash, gap): (i32, i32)) -> Drawn {
    let every = usize::try_from(dash + gap).unwrap_or(1).max(1);
    for x in (start.0..end).step_by(every) {
        let path = vec![(x, start.1), ((x + dash).min(end), start.1)];
        canvas.draw(&PathElement::new(path, INK.stroke_width(2)))?;
    }
    Ok(())
}

/// Words of a size in pixels.
pub fn words(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}
