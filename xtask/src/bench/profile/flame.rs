//! A flame graph as SVG text: width is time, what is above was called by what is below.

use std::collections::BTreeMap;

use super::super::svg::escape;
use super::perf::Stack;

const WIDTH: f64 = 1400.0;
const ROW: f64 = 15.0;
const HEAD: f64 = 36.0;
/// Boxes that are narrower are left out: nobody could see them.
const NARROWEST: f64 = 0.6;
/// About the width of a letter.
const LETTER: f64 = 6.4;

/// A function with what it called.
#[derive(Debug, Default)]
struct Frame<'a> {
    n: u64,
    called: BTreeMap<&'a str, Frame<'a>>,
}

/// The graph with a title.
pub(super) fn svg(stacks: &[Stack], title: &str) -> String {
    let mut root = Frame::default();
    for stack in stacks {
        root.n += stack.n;
        let mut frame = &mut root;
        for name in &stack.frames {
            frame = frame.called.entry(name).or_default();
            frame.n += stack.n;
        }
    }
    let scale = WIDTH / root.n.max(1) as f64;
    let depth = depth(&root, scale);
    let height = HEAD + ROW * (depth as f64 + 1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"11\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"8\" y=\"22\" font-family=\"sans-serif\" font-size=\"15\">{}</text>\n",
        escape(title)
    );
    draw(&mut svg, &root, root.n, "all", (0.0, height - ROW), scale);
    svg.push_str("</svg>\n");
    svg
}

fn depth(frame: &Frame<'_>, scale: f64) -> usize {
    let visible = frame.called.values().filter(|it| it.n as f64 * scale >= NARROWEST);
    visible.map(|it| 1 + depth(it, scale)).max().unwrap_or(0)
}

fn draw(svg: &mut String, frame: &Frame<'_>, total: u64, name: &str, at: (f64, f64), scale: f64) {
    let width = frame.n as f64 * scale;
    if width < NARROWEST {
        return;
    }
    let (x, y) = at;
    let share = frame.n as f64 / total.max(1) as f64 * 100.0;
    let n_letters = ((width - 4.0) / LETTER).max(0.0) as usize;
    let label: String = if n_letters < 3 { String::new() } else { end_of(name, n_letters) };
    let drawn = format!(
        "<g><title>{} ({share:.2} %)</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\" stroke=\"#fff\" stroke-width=\"0.4\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>\n",
        escape(name),
        ROW - 1.0,
        color(name),
        x + 2.0,
        y + 11.0,
        escape(&label)
    );
    svg.push_str(&drawn);
    let mut left = x;
    for (name, called) in &frame.called {
        draw(svg, called, total, name, (left, y - ROW), scale);
        left += called.n as f64 * scale;
    }
}

/// The last letters, where not all have room: the end of a path tells more than its beginning.
fn end_of(name: &str, n_letters: usize) -> String {
    let n_all = name.chars().count();
    if n_all <= n_letters {
        return name.to_owned();
    }
    ["…".to_owned(), name.chars().skip(n_all - n_letters + 1).collect()].concat()
}

/// Ours, those of other crates, and the system's have each a color of their own; names differ a little within it.
fn color(name: &str) -> String {
    let shade =
        name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
            % 18;
    let hue = if name.contains("exposure_") {
        28
    } else if name.contains("::") {
        205
    } else {
        95
    };
    format!("hsl({hue},{}%,{}%)", 55 + shade, 62 + shade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_as_wide_as_their_share() {
        let stack = |frames: &[&str], n| Stack {
            frames: frames.iter().map(|&it| it.to_owned()).collect(),
            n,
        };
        let svg = svg(&[stack(&["t", "a<T>"], 3), stack(&["t", "b"], 1)], "title");
        assert!(
            svg.contains("a&lt;T&gt; (75.00 %)")
                && svg.contains("b (25.00 %)")
                && svg.contains("t (100.00 %)")
        );
        assert!(svg.contains("width=\"1050.0\"") && svg.contains("width=\"350.0\""));
        assert_eq!(svg.matches("<g>").count(), 4);
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(end_of("a::b::commit", 7), "…commit");
        assert_eq!(end_of("commit", 7), "commit");
    }
}
