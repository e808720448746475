//! The marks at a line's points.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::{Color, WHITE};

use super::style::Style;

/// The drawing area of a whole plot, in pixels.
pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What drawing gives.
pub type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// The shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A circle
    Circle,
    /// A square
    Square,
    /// A triangle with its tip up
    Up,
    /// A triangle with its tip down
    Down,
    /// A square on its tip
    Diamond,
    /// A lying cross
    Cross,
    /// An upright cross
    Plus,
}

/// Draws a mark of the given size around a point.
pub fn mark(canvas: &Canvas<'_>, at: (i32, i32), size: i32, style: Style) -> Drawn {
    let color = style.color;
    let stroke = color.stroke_width(if size > 3 { 2 } else { 1 });
    let (outer, inner) = (size + size / 3, size - 1);
    let corners: &[(i32, i32)] = match style.shape {
        Shape::Circle => {
            let fill = if style.filled { color } else { WHITE };
            canvas.draw(&Circle::new(at, size, fill.filled()))?;
            return canvas.draw(&Circle::new(at, size, stroke));
        }
        Shape::Cross | Shape::Plus => {
            let strokes = match style.shape {
                Shape::Cross => [
                    [(-inner, -inner), (inner, inner)],
                    [(-inner, inner), (inner, -inner)],
                ],
                _ => [[(-size, 0), (size, 0)], [(0, -size), (0, size)]],
            };
            for ends in strokes {
                canvas.draw(&PathElement::new(around(at, &ends), stroke))?;
            }
            return Ok(());
        }
        Shape::Square => &[
            (-inner, -inner),
            (inner, -inner),
            (inner, inner),
            (-inner, inner),
        ],
        Shape::Up => &[(0, -outer), (outer, inner), (-outer, inner)],
        Shape::Down => &[(0, outer), (outer, -inner), (-outer, -inner)],
        Shape::Diamond => &[(0, -outer), (outer, 0), (0, outer), (-outer, 0)],
    };
    let mut path = around(at, corners);
    let fill = if style.filled { color } else { WHITE };
    canvas.draw(&Polygon::new(path.clone(), fill))?;
    path.extend_from_within(..2.min(path.len()));
    canvas.draw(&PathElement::new(path, stroke))
}

fn around(at: (i32, i32), corners: &[(i32, i32)]) -> Vec<(i32, i32)> {
    corners.iter().map(|(x, y)| (at.0 + x, at.1 + y)).collect()
}
