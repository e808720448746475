//! How a scorer looks, in all plots alike.

use plotters::style::RGBColor;

use super::mark::Shape;
use crate::scorer_name::ScorerName;

/// Colour and mark of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// The colour.
    pub color: RGBColor,
    /// The mark.
    pub shape: Shape,
    /// Whether the mark is filled.
    pub filled: bool,
    /// The width in pixels.
    pub width: u32,
}

/// How dense model and majority class look.
pub const LEVEL: Style = style(0x44_44_44, Shape::Cross, false);

/// How a scorer looks. The colours can be told apart by colour-blind people as far as twelve can
/// be; those that are close have different marks.
pub fn of(scorer: ScorerName) -> Style {
    match scorer {
        ScorerName::Seven => Style {
            width: 2,
            ..style(0xD5_5E_00, Shape::Circle, true)
        },
        ScorerName::SevenSigned => style(0xE6_9F_00, Shape::Circle, false),
        ScorerName::Sensitivity => style(0x00_72_B2, Shape::Square, true),
        ScorerName::Snip => style(0x56_B4_E9, Shape::Square, false),
        ScorerName::IterativeSnip => style(0x00_9E_73, Shape::Up, true),
        ScorerName::Force => style(0x00_9E_73, Shape::Up, false),
        ScorerName::Grasp => style(0x99_99_33, Shape::Diamond, true),
        ScorerName::Synflow => style(0x88_22_55, Shape::Diamond, false),
        ScorerName::Magnitude => style(0x00_00_00, Shape::Down, true),
        ScorerName::Movement => style(0xCC_79_A7, Shape::Plus, false),
        ScorerName::Platon => style(0x33_22_88, Shape::Down, false),
        ScorerName::Random => style(0x88_88_88, Shape::Cross, false),
    }
}

const fn style(rgb: u32, shape: Shape, filled: bool) -> Style {
    let [_, red, green, blue] = rgb.to_be_bytes();
    Style {
        color: RGBColor(red, green, blue),
        shape,
        filled,
        width: 1,
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn no_two_scorers_look_alike() {
        let all = ScorerName::value_variants();
        for (index, one) in all.iter().enumerate() {
            for other in &all[..index] {
                assert_ne!(of(*one), of(*other));
            }
        }
    }

    #[test]
    fn colours_are_red_green_blue() {
        assert_eq!(of(ScorerName::Seven).color, RGBColor(0xD5, 0x5E, 0));
    }
}
