//! Latency over time, as a chart.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::history::History;
use super::panels::titled;
use crate::show::{clock, time};

/// The shortest time that fills the chart (seconds).
const SECONDS_MIN: usize = 60;

/// The longest time that is drawn (seconds).
const SECONDS_MAX: usize = 600;

/// Rows below which there is no room for labels of the time.
const LABELLED_ROWS_MIN: u16 = 8;

/// Colours of the curves.
const COLORS: [Color; 2] = [Color::Green, Color::Yellow];

/// Draws p50 and p99 of a mark, given by its position and its name, over the last minutes. The
/// scale is logarithmic: an ordinary millisecond and a repetition after half a second both show.
pub(super) fn latency(frame: &mut Frame<'_>, area: Rect, history: &History, mark: (usize, &str)) {
    let curves = [curve(history, mark.0, 0), curve(history, mark.0, 1)];
    let [low, high] = bounds(curves.iter().flatten().map(|point| point.1));
    let block = titled(title(mark.1), String::new());
    let seconds = history.newest(SECONDS_MAX).count().max(SECONDS_MIN);
    let datasets = curves.iter().zip(COLORS).map(|(curve, color)| {
        let dataset = Dataset::default().data(curve).marker(Marker::Braille);
        dataset.graph_type(GraphType::Line).style(Style::new().fg(color))
    });
    // The curve of p50 lies over that of p99 where they meet.
    let datasets = datasets.rev().collect();
    let dim = Style::new().fg(Color::DarkGray);
    let mut time = Axis::default().bounds([1.0 - whole(seconds), 0.0]).style(dim);
    if area.height >= LABELLED_ROWS_MIN {
        let span = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        time = time.labels([format!("{} ago", clock(span)), "now".to_owned()]);
    }
    let labels = [low, f64::midpoint(low, high), high].map(label);
    let labels = if area.height < LABELLED_ROWS_MIN {
        [labels[0].clone(), labels[2].clone()].to_vec()
    } else {
        labels.to_vec()
    };
    let scale = Axis::default().bounds([low, high]).labels(labels).style(dim);
    let chart = Chart::new(datasets).block(block).x_axis(time).y_axis(scale).legend_position(None);
    frame.render_widget(chart, area);
}

/// What is drawn, in the colours of the curves.
fn title(mark: &str) -> Line<'static> {
    let curve = |name, color| Span::styled(name, Style::new().fg(color));
    let [p50, p99] = COLORS;
    Line::from(vec![
        curve("p50", p50),
        Span::raw(" and "),
        curve("p99", p99),
        Span::raw(format!(" of {mark}")),
    ])
}

/// Points of a curve: seconds from now, and the logarithm of the span in microseconds.
fn curve(history: &History, mark: usize, which: usize) -> Vec<(f64, f64)> {
    let newest_first = history.newest(SECONDS_MAX).rev().enumerate();
    let mut points: Vec<_> = newest_first
        .filter_map(|(ago, second)| {
            let span = second.latency.get(mark).copied().flatten()?[which];
            Some((-whole(ago), logarithm(span)))
        })
        .collect();
    points.reverse();
    points
}

/// Bounds around all values: powers of ten times 1, 2 or 5.
fn bounds(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (value.min(low), value.max(high)));
    if low > high {
        return [2.0, 4.0];
    }
    // A curve along an edge is hard to see.
    let (low, high) = (low - 0.02, high + 0.02);
    let mut steps =
        (0..9).flat_map(|decade| [1.0_f64, 2.0, 5.0].map(|step| step.log10() + f64::from(decade)));
    let below = steps.clone().take_while(|step| *step <= low).last().unwrap_or(0.0);
    let above = steps.find(|step| *step >= high).unwrap_or(high);
    [below, above]
}

/// A label of the scale.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a label for people")]
fn label(logarithm: f64) -> String {
    format!("{:>7}", time(10_f64.powf(logarithm).round() as u64))
}

/// The decimal logarithm of a span.
#[expect(clippy::cast_precision_loss, reason = "a place in a chart")]
fn logarithm(micros: u64) -> f64 {
    (micros.max(1) as f64).log10()
}

/// A number of seconds as a place in the chart.
#[expect(clippy::cast_precision_loss, reason = "a place in a chart")]
const fn whole(seconds: usize) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_round_and_leave_room_on_both_sides() {
        let around = |values: &[u64]| bounds(values.iter().copied().map(logarithm)).map(label);
        assert_eq!(around(&[1_300, 4_000]), ["1.00 ms", "5.00 ms"]);
        assert_eq!(around(&[1_000, 500_000]), [" 500 µs", "1.00 s"].map(|l| format!("{l:>7}")));
        assert_eq!(around(&[1]), ["   1 µs", "   2 µs"]);
        assert_eq!(around(&[]), [" 100 µs", "10.0 ms"]);
    }
}
