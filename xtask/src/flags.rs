//! The command line, and with it the help text.
#![expect(unreachable_pub, reason = "xflags writes `pub` structs")]

use std::path::PathBuf;
use std::str::FromStr;

xflags::xflags! {
    /// The tasks of this workspace.
    cmd xtask {
        /// Builds once and runs every suite: Rust, counts of instructions, then Python, DuckDB, senders and clients against the built
        /// server.
        /// Sets up what it needs by itself; with CI set, whatever cannot run is a failure.
        cmd test {
            /// Rounds of `kill -9` under load in the crash test (default 200).
            optional --kill-rounds rounds: u32
            /// Runs one suite alone: rust, python, duckdb, senders (SDKs of other vendors), or of those a single language:
            /// senders-node, senders-browser, senders-python, senders-go, senders-java, senders-documented;
            /// clients (the programs of docs/clients.md), or counts (instructions of the hot path).
            optional --only suite: Suite
        }
        /// Checks everything, never writes: fmt, tidy, protocol, codegen, clippy, rustdoc, then `test`.
        cmd verify {
            /// Leaves the tests out.
            optional --quick
        }
        /// Writes what can be mended by itself: codegen, clippy --fix, fmt.
        cmd fix {}
        /// Writes the code generated from `proto/`.
        cmd codegen {
            /// Writes nothing; fails where the checked-in code differs.
            optional --check
        }
        /// Looks after the protocol definitions.
        cmd proto {
            /// Checks names, comments and layout.
            cmd lint {}
            /// Compares the protocol with the accepted baseline.
            cmd breaking {}
            /// Makes the present protocol the baseline.
            cmd accept {}
        }
        /// Checks the house rules: dependency arrows, manifests, file lengths, docs, paths, lint exceptions.
        cmd tidy {}
        /// Measures: the benches of `benches/`, and the whole system. benches/README.md says how and for how long.
        cmd bench {
            /// Where programs lie that are built already (default: builds them in release).
            optional --binaries directory: PathBuf
            /// Where servers keep their data meanwhile (default: below the target directory).
            optional --dir directory: PathBuf
            /// Where pages and plots are written (default docs/performance).
            optional --out directory: PathBuf
            /// Runs the criterion benches, all or those whose name contains the filter.
            default cmd criterion {
                /// A part of the benches' names.
                optional filter: String
            }
            /// Compares the server with PostgreSQL, Redis and a server that only decodes, in interleaved rounds
            /// (11 minutes). Installs PostgreSQL and Redis where it can, and writes docs/performance/compare.md.
            cmd compare {
                /// Rounds (default 5).
                optional --runs rounds: u32
                /// Seconds of each measurement (default 4).
                optional --seconds seconds: u32
                /// Registers that each server holds before (default 10000000).
                optional --registers registers: u64
            }
            /// Measures the cost of an event against registers, projects, flags and connections (5 minutes), and writes
            /// docs/performance/scale.md with its plots.
            cmd scale {
                /// One of registers, projects, flags, connections (default: all).
                optional --only what: String
                /// Seconds of each measurement (default 4).
                optional --seconds seconds: u32
                /// The most registers, by powers of ten from 100000 on (default 10000000).
                optional --max-registers registers: u64
                /// The server's memory limit (default: its own).
                optional --memory-limit size: String
                /// Also draws users by Zipf's law with this exponent.
                optional --zipf theta: f64
            }
            /// Counts instructions of the hot path's parts under callgrind, and compares them with benches/counts.toml.
            cmd counts {
                /// Writes benches/counts.toml instead.
                optional --record
            }
            /// Takes a profile of the server under load with perf (2 minutes), and writes docs/performance/flame.svg and
            /// docs/performance/profile.md.
            cmd profile {
                /// Seconds of the profile (default 10).
                optional --seconds seconds: u32
                /// Registers before (default 10000000).
                optional --registers registers: u64
            }
            /// Sends at a fixed rate for minutes, reads beside it, then kills and opens the server (7 minutes), and writes
            /// docs/performance/sustained.md.
            cmd sustained {
                /// Seconds (default 300).
                optional --seconds seconds: u32
                /// Events a second (default 1000000).
                optional --rate events: u64
                /// Reads of one user's properties a second beside it (default 100).
                optional --reads reads: u64
                /// Registers before (default 10000000).
                optional --registers registers: u64
                /// The server's retention of stored events (default: its own).
                optional --retention time: String
            }
            /// Sends as fast as it goes for 20 seconds, and shows what is left to do being done (2 minutes); writes
            /// docs/performance/burst.md.
            cmd burst {
                /// Seconds of each burst (default 20).
                optional --seconds seconds: u32
                /// Registers before (default 10000000).
                optional --registers registers: u64
            }
            /// Sends more than the server takes, without waiting for it (2 minutes), and writes
            /// docs/performance/overload.md.
            cmd overload {
                /// Seconds of each measurement (default 10).
                optional --seconds seconds: u32
                /// Registers before (default 1000000).
                optional --registers registers: u64
            }
            /// Measures the memory of a register by shape (1 minute), and writes docs/performance/memory.md.
            cmd memory {
                /// Registers of each shape (default 3000000).
                optional --registers registers: u64
            }
            /// Measures the window of insert ids at several sizes (2 minutes), and writes docs/performance/window.md.
            cmd window {
                /// Sizes in millions of ids, rising, with commas between (default 1,10,100). 1000 takes 20 minutes and
                /// 50 GB of disk.
                optional --millions sizes: String
            }
            /// Measures with each sync of the disk made slower (1 minute), and writes docs/performance/slow-fsync.md.
            cmd slow-fsync {
                /// Seconds of each measurement (default 5).
                optional --seconds seconds: u32
                /// Registers before (default 10000000).
                optional --registers registers: u64
            }
        }
        /// Runs the fuzz tests for longer than `test` does.
        cmd fuzz {
            /// A part of the tests' names (default `fuzz`).
            optional filter: String
            /// Cases a test tries (default 100000).
            optional --cases cases: u32
        }
        /// Runs the tests of faults in their long form: 10,000 seeds of the simulation, every operation and byte in turn,
        /// 2,000 rounds of `kill -9`, a full disk. Takes an hour or more; what was injected is printed.
        cmd nightly {
            /// Seeds of the simulation (default 10000).
            optional --seeds seeds: u32
            /// The first of them (default 0).
            optional --first-seed seed: u32
            /// Rounds of `kill -9` under load (default 2000).
            optional --kill-rounds rounds: u32
        }
        /// Looks whether this machine has what the tasks need.
        cmd doctor {}
        /// Checks that the workspace builds with the `rust-version` it names.
        cmd msrv {
            /// Fails where the toolchain is missing, instead of skipping.
            optional --strict
        }
        /// Tests published crates with each feature alone and with none, and packs them as for publishing.
        cmd release {}
        /// Checks licences, bans and sources with cargo-deny.
        cmd deny {
            /// Fails where cargo-deny is missing, instead of skipping.
            optional --strict
        }
    }
}

/// One of the suites of `cargo xtask test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    Rust,
    Python,
    DuckDb,
    /// Instructions of the hot path.
    Counts,
    /// SDKs of other vendors, of one language or of all.
    Senders(Option<Language>),
    /// The programs of `docs/clients.md`.
    Clients,
}

/// What SDKs of other vendors are written in; of those that do not run here, there are documented bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Node,
    Browser,
    Python,
    Go,
    Java,
    Documented,
}

impl Suite {
    /// Whether the suite is this one, or one of several in this one.
    pub fn includes(self, suite: Self) -> bool {
        self == suite || (self == Self::Senders(None) && matches!(suite, Self::Senders(_)))
    }
}

impl FromStr for Suite {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let language = match text {
            "rust" => return Ok(Self::Rust),
            "python" => return Ok(Self::Python),
            "duckdb" => return Ok(Self::DuckDb),
            "senders" => return Ok(Self::Senders(None)),
            "clients" => return Ok(Self::Clients),
            "counts" => return Ok(Self::Counts),
            "senders-node" => Language::Node,
            "senders-browser" => Language::Browser,
            "senders-python" => Language::Python,
            "senders-go" => Language::Go,
            "senders-java" => Language::Java,
            "senders-documented" => Language::Documented,
            _ => {
                return Err(format!(
                    "`{text}` is no suite: rust, counts, python, duckdb, clients, senders or senders-LANGUAGE"
                ));
            }
        };
        Ok(Self::Senders(Some(language)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Xtask, xflags::Error> {
        Xtask::from_vec(words.iter().map(Into::into).collect())
    }

    #[test]
    fn reads_the_options_of_test() {
        let XtaskCmd::Test(options) =
            parse(&["test", "--kill-rounds", "3", "--only", "duckdb"]).unwrap().subcommand
        else {
            panic!("another task")
        };
        assert_eq!((options.kill_rounds, options.only), (Some(3), Some(Suite::DuckDb)));
    }

    #[test]
    fn a_suite_includes_itself_and_senders_all_languages() {
        let (all, go): (Suite, Suite) = ("senders".parse().unwrap(), "senders-go".parse().unwrap());
        assert!(all.includes(all) && all.includes(go) && go.includes(go));
        assert!(!go.includes(all) && !go.includes(Suite::Senders(Some(Language::Node))));
        assert!(!Suite::Python.includes(go) && !all.includes(Suite::Python));
        assert!(!all.includes(Suite::Clients) && "clients".parse() == Ok(Suite::Clients));
    }

    #[test]
    fn a_bench_without_a_name_is_criterion_s() {
        for (words, filter) in [(&["bench"][..], None), (&["bench", "decode"], Some("decode"))] {
            let XtaskCmd::Bench(bench) = parse(words).unwrap().subcommand else {
                panic!("another task")
            };
            let BenchCmd::Criterion(options) = bench.subcommand else { panic!("{words:?}") };
            assert_eq!(options.filter.as_deref(), filter);
        }
        let words = ["bench", "compare", "--runs", "2", "--dir", "data"];
        let XtaskCmd::Bench(bench) = parse(&words).unwrap().subcommand else {
            panic!("another task")
        };
        assert_eq!(bench.dir, Some(PathBuf::from("data")));
        let BenchCmd::Compare(options) = bench.subcommand else { panic!("{words:?}") };
        assert_eq!(options.runs, Some(2));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for words in [
            &["test", "--only", "cobol"][..],
            &["tset"],
            &["proto"],
            &["test", "--kill-rounds", "-1"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
