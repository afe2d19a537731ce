//! The picture: panels side by side, both axes logarithmic, on white, so that it is read on a dark page too.

use std::error::Error;
use std::path::Path;

use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::combinators::IntoLogRange;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::PathElement;
use plotters::series::LineSeries;
use plotters::style::{BLACK, Color, RGBColor, WHITE};

use super::series::{Line, Panel};

/// Each panel, in pixels: three of them are as wide as a page.
const PANEL: (u32, u32) = (400, 320);

/// Panels in a row.
const ABREAST: usize = 3;

/// Told apart also by those who do not see red from green.
const COLOURS: [RGBColor; 3] = [RGBColor(0, 90, 181), RGBColor(220, 90, 20), RGBColor(90, 90, 90)];

const FONT: &str = "sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes all panels into one file.
///
/// # Errors
/// When the file cannot be written.
pub fn draw(panels: &[Panel], to: &Path) -> Result<(), Box<dyn Error>> {
    let (across, down) = (panels.len().clamp(1, ABREAST), panels.len().div_ceil(ABREAST).max(1));
    let size = (PANEL.0 * u32::try_from(across)?, PANEL.1 * u32::try_from(down)?);
    let whole = SVGBackend::new(to, size).into_drawing_area();
    whole.fill(&WHITE)?;
    for (panel, area) in panels.iter().zip(whole.split_evenly((down, across))) {
        draw_panel(panel, &area)?;
    }
    Ok(whole.present()?)
}

fn draw_panel(panel: &Panel, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
    let points = || panel.lines.iter().flat_map(|line| line.points.iter().copied());
    let (left, right) = bounds(points().map(|point| point.0));
    let (low, high) = bounds(points().map(|point| point.1));
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, (FONT, 16))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(58)
        // Room below for lines that hardly grow, and above for the legend.
        .build_cartesian_2d((left..right).log_scale(), (low / 2.0..high * 3.0).log_scale())?;
    let light = BLACK.mix(0.08);
    chart
        .configure_mesh()
        .x_desc(panel.along)
        .y_desc(panel.up)
        .axis_desc_style((FONT, 13))
        .label_style((FONT, 12))
        .x_labels(7)
        .y_labels(6)
        .x_label_formatter(&|number| shown(*number))
        .y_label_formatter(&|number| shown(*number))
        .bold_line_style(BLACK.mix(0.2))
        .light_line_style(light)
        .draw()?;
    for (Line { name, points }, colour) in panel.lines.iter().zip(COLOURS.iter().cycle()) {
        let series = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
        chart.draw_series(series)?.label(*name).legend(legend);
    }
    let labels = chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).label_font((FONT, 12)).draw();
    Ok(labels?)
}

/// The smallest and the largest.
fn bounds(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::INFINITY, 0.0), |(low, high), number| (low.min(number), high.max(number)))
}

/// A number of an axis: 1000000 as 1M.
fn shown(number: f64) -> String {
    match number {
        _ if number >= 1e6 => format!("{}M", number / 1e6),
        _ if number >= 1e3 => format!("{}k", number / 1e3),
        _ => format!("{number}"),
    }
}
