//! The picture for a browser: one SVG file that needs nothing from outside, in the reader's light or dark.
//!
//! Our own few shapes, because a chart library would bring many packages to draw boxes that are no chart. Widths are guessed from the
//! number of letters of a monospaced font, so a label may be a little wider or narrower than its box allows for.
//!
//! Invariants: whatever stands in a history, the file is well-formed XML: text is escaped, and characters that XML does not
//! know are replaced.

use std::fmt::Write;

use super::columns::columns;
use super::picture::{Bar, Kind, Picture, Time};

const LETTER_PX: usize = 8;
const LINE_PX: usize = 20;
const BAR_PX: usize = 26;
const ROW_PX: usize = 44;
const PAD_PX: usize = 20;
const NARROWEST_PX: usize = 720;

const STYLE: &str = "
svg { color-scheme: light dark }
.paper { fill: #ffffff }
text { font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328 }
.title { font-weight: bold; font-size: 15px }
.quiet { fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.bar { fill: #ddf4ff; stroke: #0969da; stroke-width: 1.2 }
.open { stroke-dasharray: 5 4 }
.culprit { fill: #ffebe9; stroke: #cf222e; stroke-width: 1.8 }
.link { fill: none; stroke: #0969da; stroke-width: 1.4 }
.token { stroke-dasharray: 2 3 }
.contradicts { stroke: #cf222e; stroke-width: 1.8; stroke-dasharray: 7 3 }
.tip { fill: #0969da }
.badtip { fill: #cf222e }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 }
text { fill: #f0f6fc }
.quiet { fill: #9198a1 }
.grid { stroke: #3d444d }
.bar { fill: #0d2a4a; stroke: #4493f8 }
.culprit { fill: #4a1517; stroke: #f85149 }
.link { stroke: #4493f8 }
.contradicts { stroke: #f85149 }
.tip { fill: #4493f8 }
.badtip { fill: #f85149 }
}
";

/// A text that XML can hold.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{FFFE}' | '\u{FFFF}') => {
                safe.push('\u{FFFD}')
            }
            letter => safe.push(letter),
        }
    }
    safe
}

/// Lines of at most so many letters, broken at blanks where there are any.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always one line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= most {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

struct Page {
    body: String,
    width: usize,
    y: usize,
}

impl Page {
    fn line(&mut self, class: &str, text: &str) {
        self.y += LINE_PX;
        self.text(PAD_PX, self.y, class, text);
    }

    fn text(&mut self, x: usize, y: usize, class: &str, text: &str) {
        let text = escaped(text);
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.body,
            r#"<text x="{x}" y="{y}" class="{class}" xml:space="preserve">{text}</text>"#
        );
    }
}

/// All pictures, below each other.
pub(super) fn draw(pictures: &[Picture]) -> String {
    let mut page = Page { body: String::new(), width: NARROWEST_PX, y: PAD_PX / 2 };
    let widths: Vec<usize> = pictures.iter().map(width).collect();
    page.width = widths.iter().copied().max().unwrap_or(0).max(NARROWEST_PX);
    for picture in pictures {
        one(&mut page, picture);
        page.y += LINE_PX;
    }
    let height = page.y + PAD_PX / 2;
    let width = page.width;
    let title = pictures.first().map_or("no counterexample", |picture| &picture.title);
    format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img">"#,
            "\n<title>{title}</title>\n<style>{style}</style>\n",
            r#"<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker>"#,
            r#"<marker id="badtip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="badtip" d="M0 0L8 4L0 8z"/></marker></defs>"#,
            "\n<rect class=\"paper\" width=\"{w}\" height=\"{h}\"/>\n{body}</svg>\n"
        ),
        w = width,
        h = height,
        title = escaped(title),
        style = STYLE,
        body = page.body
    )
}

fn words(bar: &Bar) -> String {
    format!("{} {}", bar.letter, bar.label)
}

fn margin(picture: &Picture) -> usize {
    let longest = picture.lanes.iter().map(|lane| lane.name.chars().count()).max().unwrap_or(0);
    2 * PAD_PX + longest * LETTER_PX
}

fn spans(picture: &Picture) -> Vec<super::columns::Span> {
    picture.spans(|bar| (words(bar).chars().count() + 2) * LETTER_PX)
}

fn width(picture: &Picture) -> usize {
    margin(picture) + columns(&spans(picture), 3 * LETTER_PX).1 + 3 * PAD_PX
}

fn one(page: &mut Page, picture: &Picture) {
    let letters = (page.width - 2 * PAD_PX) / LETTER_PX;
    page.line("title", &format!("Counterexample at {}", picture.title));
    for line in picture.captions.iter().flat_map(|caption| wrapped(caption, letters)) {
        page.line("", &line);
    }
    page.y += PAD_PX;
    let left = margin(picture);
    let (places, end) = columns(&spans(picture), 3 * LETTER_PX);
    let mut tops = Vec::new();
    let mut top = page.y;
    for lane in &picture.lanes {
        tops.push(top);
        page.text(PAD_PX, top + 18, "quiet", &lane.name);
        top += lane.rows * ROW_PX;
    }
    let bottom = top;
    let mut free = 0;
    for (ns, place) in &places {
        let x = left + place;
        let _ = writeln!(page.body, r#"<path class="grid" d="M{x} {}V{bottom}"/>"#, page.y - 4);
        let tick = Time(ns - picture.start_ns).to_string();
        if x >= free {
            page.text(x, bottom + 16, "quiet", &tick);
            free = x + (tick.chars().count() + 1) * LETTER_PX;
        }
    }
    let y_of = |bar: &Bar| tops[bar.lane] + bar.row * ROW_PX;
    let x_of = |ns: u64| left + places[&ns];
    let end_of = |bar: &Bar| bar.to_ns.map_or(left + end + PAD_PX, x_of).max(x_of(bar.from_ns) + 4);
    for bar in &picture.bars {
        let (x, y) = (x_of(bar.from_ns), y_of(bar));
        let class = format!(
            "bar{}{}",
            if bar.culprit { " culprit" } else { "" },
            if bar.to_ns.is_none() { " open" } else { "" }
        );
        let _ = writeln!(
            page.body,
            r#"<g><title>{}</title><rect class="{class}" x="{x}" y="{y}" width="{}" height="{BAR_PX}" rx="4"/>"#,
            escaped(&format!("{}: {} ({})", bar.letter, bar.label, bar.detail)),
            end_of(bar) - x
        );
        page.text(x + LETTER_PX, y + 18, "", &words(bar));
        page.body.push_str("</g>\n");
    }
    for link in &picture.links {
        let (from, to) = (&picture.bars[link.from], &picture.bars[link.to]);
        let (class, tip) = match link.kind {
            Kind::Shows => ("link", "tip"),
            Kind::Token => ("link token", "tip"),
            Kind::Contradicts => ("link contradicts", "badtip"),
        };
        let (x1, x2) = (end_of(from).min(left + end), x_of(to.from_ns));
        // What was written leaves its bar below or above, towards the bar that shows it.
        let (y1, y2) = match y_of(from).cmp(&y_of(to)) {
            std::cmp::Ordering::Less => (y_of(from) + BAR_PX, y_of(to)),
            std::cmp::Ordering::Equal => (y_of(from) + BAR_PX, y_of(to) + BAR_PX),
            std::cmp::Ordering::Greater => (y_of(from), y_of(to) + BAR_PX),
        };
        let (x1, x2) = match link.kind {
            Kind::Contradicts => (x1.saturating_sub(6), x2 + 6),
            Kind::Shows | Kind::Token => {
                (x_of(from.from_ns) + (end_of(from) - x_of(from.from_ns)) / 2, x2 + 18)
            }
        };
        let bend = 14;
        let (c1, c2) = match y1.cmp(&y2) {
            std::cmp::Ordering::Less => (y1 + bend, y2.saturating_sub(bend)),
            std::cmp::Ordering::Equal => (y1 + bend, y2 + bend),
            std::cmp::Ordering::Greater => (y1.saturating_sub(bend), y2 + bend),
        };
        let _ = writeln!(
            page.body,
            r#"<path class="{class}" marker-end="url(#{tip})" d="M{x1} {y1}C{x1} {c1} {x2} {c2} {x2} {y2}"/>"#
        );
    }
    page.y = bottom + LINE_PX + PAD_PX / 2;
    for bar in &picture.bars {
        let text = format!("{}: {} ({})", bar.letter, bar.label, bar.detail);
        for line in wrapped(&text, letters) {
            page.line("", &line);
        }
    }
    for note in &picture.notes {
        for line in wrapped(&format!("• {note}."), letters) {
            page.line("", &line);
        }
    }
    let foot = format!(
        "Left to right is real time, not to scale, from {} ns of the history's clock. Red: what the judge named, and what \
         contradicts. Arrows: from a write to the answer that shows it; dotted: a token that was handed over; dashed frame: outcome unknown.",
        picture.start_ns
    );
    for line in wrapped(&foot, letters) {
        page.line("quiet", &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_history_can_break_out_of_its_text() {
        assert_eq!(escaped("<a href=\"&\">\u{0}\u{1b}"), "&lt;a href=&quot;&amp;&quot;&gt;\u{FFFD}\u{FFFD}");
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("longerthanallthat b", 3), ["longerthanallthat", "b"]);
    }
}
