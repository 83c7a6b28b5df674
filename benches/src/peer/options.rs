//! The command line that all generators have.

use std::time::Duration;

/// What load to generate.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on loopback where the server listens.
    pub port: u16,
    /// Connections, each with one request under way.
    pub connections: u64,
    /// Events of a request, from 1.
    pub batch: usize,
    /// How long.
    pub duration: Duration,
    /// Registers that are written: ten of each user.
    pub registers: u64,
    /// Whether every register is written once, instead of registers drawn for a time.
    pub preload: bool,
}

impl Options {
    /// Reads the arguments of the process.
    pub fn from_args() -> Result<Self, String> {
        Self::parse(std::env::args().skip(1))
    }

    fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            port: 0,
            connections: 1,
            batch: 1000,
            duration: Duration::from_secs(4),
            registers: 10_000_000,
            preload: false,
        };
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            if name == "--preload" {
                options.preload = true;
                continue;
            }
            let number = args.next().and_then(|value| value.parse::<u64>().ok());
            let number = number.ok_or_else(|| format!("{name} needs a whole number"))?;
            match name.as_str() {
                "--port" => options.port = number as u16,
                "--connections" => options.connections = number.max(1),
                "--batch" => options.batch = number.max(1) as usize,
                "--seconds" => options.duration = Duration::from_secs(number),
                "--registers" => options.registers = number.max(10),
                _ => return Err(format!("`{name}` is no option")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_what_it_knows() {
        let options = parse("--port 5 --batch 7 --seconds 2 --preload --registers 50").unwrap();
        assert_eq!((options.port, options.batch, options.preload), (5, 7, true));
        assert_eq!((options.registers, options.duration), (50, Duration::from_secs(2)));
        for line in ["--port", "--port x", "--sockets 3"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
