//! The picture for a terminal: a line for each session, real time from left to right.
//!
//! A bar runs from `[`, where the operation was sent, to `]`, where its answer came; `~>` means that none came. `!` marks
//! the operations that the judge named.
//!
//! Not here: colours, and the width of the terminal: lines that are too long for labels show letters alone.

use std::fmt;

use super::columns::columns;
use super::picture::{Bar, Picture, Time};

/// Wider than this, bars keep their letters only.
const WIDEST_COLUMNS: usize = 130;

fn head(bar: &Bar) -> String {
    format!("{}{}", bar.letter, if bar.culprit { "!" } else { "" })
}

pub(super) fn draw(picture: &Picture, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "counterexample at {}", picture.title)?;
    for caption in &picture.captions {
        writeln!(f, "  {caption}")?;
    }
    writeln!(f)?;
    let labelled = |bar: &Bar| format!("{} {}", head(bar), bar.label);
    let width = |text: &dyn Fn(&Bar) -> String, bar: &Bar| text(bar).chars().count() + 2;
    let (mut places, mut end) = columns(&picture.spans(|bar| width(&labelled, bar)), 2);
    let mut words: &dyn Fn(&Bar) -> String = &labelled;
    if end > WIDEST_COLUMNS {
        words = &head;
        (places, end) = columns(&picture.spans(|bar| width(&head, bar)), 2);
    }
    let margin = picture.lanes.iter().map(|lane| lane.name.chars().count()).max().unwrap_or(0).max(4);
    for (number, lane) in picture.lanes.iter().enumerate() {
        for row in 0..lane.rows {
            let mut line = vec![' '; end + 1];
            for bar in picture.bars.iter().filter(|bar| bar.lane == number && bar.row == row) {
                let from = places[&bar.from_ns];
                let to = bar.to_ns.map_or(end, |ns| places[&ns].max(from + 1));
                let fill = if bar.to_ns.is_some() { '-' } else { '~' };
                line[from..=to].fill(fill);
                line[from] = '[';
                line[to] = if bar.to_ns.is_some() { ']' } else { '>' };
                for (place, letter) in words(bar).chars().enumerate().take(to - from - 1) {
                    line[from + 1 + place] = letter;
                }
            }
            let name = if row == 0 { &*lane.name } else { "" };
            let line: String = line.into_iter().collect();
            writeln!(f, "  {name:<margin$}  {}", line.trim_end())?;
        }
    }
    let mut axis = String::new();
    for (ns, place) in &places {
        let tick = format!("{}", Time(ns - picture.start_ns));
        let used = axis.chars().count();
        if used == 0 || used < *place {
            axis.extend(std::iter::repeat_n(' ', place.saturating_sub(used)));
            axis.push_str(&tick);
        }
    }
    writeln!(f, "  {:<margin$}  {axis}", "time")?;
    writeln!(f)?;
    for bar in &picture.bars {
        writeln!(f, "  {}: {} ({})", head(bar), bar.label, bar.detail)?;
    }
    for note in &picture.notes {
        writeln!(f, "  - {note}.")?;
    }
    writeln!(
        f,
        "  Left to right is real time, not to scale, from {} ns of the history's clock; ! marks what the judge named.",
        picture.start_ns
    )
}
