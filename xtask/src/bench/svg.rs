//! Line plots as SVG text: the horizontal axis in powers of ten, the vertical one from 0.

use super::number::short;

/// A plot of one or more lines.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// What is on the horizontal axis.
    pub(super) x: &'a str,
    /// What is on the vertical axis.
    pub(super) y: &'a str,
    /// Names of lines with their points.
    pub(super) lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 56.0;
/// Told apart also without seeing colors: each has its own dashes.
const STYLES: &[(&str, &str)] =
    &[("#1f5fa8", ""), ("#b4460f", "6 3"), ("#3c7a2c", "2 3"), ("#6a3d8f", "8 3 2 3")];

impl Plot<'_> {
    /// The plot as a file of its own.
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points.iter().copied());
        let x_low = points().map(|(x, _)| x.max(1.0)).fold(f64::INFINITY, f64::min).log10().floor();
        let x_high =
            points().map(|(x, _)| x.max(1.0)).fold(1.0, f64::max).log10().ceil().max(x_low + 1.0);
        let step = step(points().map(|(_, y)| y).fold(0.0, f64::max));
        let y_high = step * 5.0;
        let x_at = |x: f64| {
            LEFT + (x.max(1.0).log10() - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        };
        let y_at = |y: f64| HEIGHT - BOTTOM - y / y_high * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
            escape(self.title)
        );
        let mut put = |line: String| {
            svg.push_str(&line);
            svg.push('\n');
        };
        let (left, right, bottom) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in 0..=5 {
            let y = step * f64::from(tick);
            put(format!(
                "<path d=\"M{left} {0:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
                y_at(y),
                left - 6.0,
                y_at(y) + 4.0,
                short(y)
            ));
        }
        let mut power = x_low;
        while power <= x_high {
            let x = 10_f64.powf(power);
            put(format!(
                "<path d=\"M{0:.1} {bottom}v5\" stroke=\"#333\"/><text x=\"{0:.1}\" y=\"{1}\" text-anchor=\"middle\">{2}</text>",
                x_at(x),
                bottom + 18.0,
                short(x).trim_end_matches(".00")
            ));
            power += 1.0;
        }
        put(format!("<path d=\"M{left} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"#333\"/>"));
        put(format!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(left, right),
            HEIGHT - 18.0,
            escape(self.x)
        ));
        put(format!(
            "<text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(TOP, bottom),
            escape(self.y)
        ));
        for (index, (name, points)) in self.lines.iter().enumerate() {
            let (color, dashes) = STYLES.get(index % STYLES.len()).copied().unwrap_or_default();
            let path: Vec<_> =
                points.iter().map(|&(x, y)| format!("{:.1},{:.1}", x_at(x), y_at(y))).collect();
            put(format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>",
                path.join(" ")
            ));
            for (x, y) in points {
                put(format!(
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{color}\"><title>{}: {}</title></circle>",
                    x_at(*x),
                    y_at(*y),
                    short(*x),
                    short(*y)
                ));
            }
            let y = TOP + 14.0 * (index as f64 + 1.0);
            put(format!(
                "<path d=\"M{0} {1:.1}h28\" stroke=\"{color}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/><text x=\"{2}\" y=\"{3:.1}\">{4}</text>",
                left + 12.0,
                y - 4.0,
                left + 46.0,
                y,
                escape(name)
            ));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// A fifth of the axis: 1, 2 or 5 times a power of ten, so that five of them reach over `most` with room for names.
fn step(most: f64) -> f64 {
    let wanted = (most * 1.25 / 5.0).max(1e-3);
    let power = 10_f64.powf(wanted.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| power * factor >= wanted);
    power * factor.unwrap_or(10.0)
}

/// Text between tags.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_reach_far_enough() {
        for (most, expected) in [(0.9, 0.5), (100.0, 50.0), (1290.0, 500.0), (40.0, 10.0)] {
            assert!((step(most) - expected).abs() < 1e-9, "{most}: {}", step(most));
            assert!(step(most) * 5.0 >= most);
        }
    }

    #[test]
    fn a_plot_stays_within_its_frame() {
        let plot = Plot {
            title: "a < b",
            x: "registers",
            y: "ns",
            lines: vec![("one", vec![(1e5, 200.0), (1e7, 400.0)]), ("two", vec![(1e6, 90.0)])],
        };
        let svg = plot.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("a &lt; b"));
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polyline").count()), (3, 2));
        for circle in svg.split("<circle cx=\"").skip(1) {
            let x: f64 = circle.split('"').next().unwrap().parse().unwrap();
            assert!((LEFT..=WIDTH - RIGHT).contains(&x));
        }
    }
}
