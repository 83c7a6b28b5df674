//! Numbers as people read them.

/// A whole number with commas between thousands.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::from(if number <= -0.5 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with as many places behind the point as it needs to have three figures.
pub(super) fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 1000.0 => grouped(number),
        size if size >= 99.95 => format!("{number:.0}"),
        size if size >= 9.995 => format!("{number:.1}"),
        size if size >= 0.9995 => format!("{number:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{number:.3}"),
    }
}

/// Bytes in the greatest unit that leaves one or more of it.
pub(super) fn bytes(number: u64) -> String {
    let number = number as f64;
    match number {
        n if n >= 1e9 => format!("{} GB", short(n / 1e9)),
        n if n >= 1e6 => format!("{} MB", short(n / 1e6)),
        n if n >= 1e3 => format!("{} kB", short(n / 1e3)),
        n => format!("{n} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        for (number, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (4_123_456.4, "4,123,456"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(grouped(number), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (1.0, "1.00"),
            (12.34, "12.3"),
            (123.4, "123"),
            (12345.0, "12,345"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(
            (bytes(12), bytes(1_500), bytes(2_340_000_000)),
            ("12 B".into(), "1.50 kB".into(), "2.34 GB".into())
        );
    }
}
