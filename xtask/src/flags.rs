//! The command line, and with it the help text.
#![expect(unreachable_pub, reason = "xflags writes `pub` structs")]

use std::str::FromStr;

xflags::xflags! {
    /// The tasks of this workspace.
    cmd xtask {
        /// Builds once and runs every suite: Rust, then Python, DuckDB, senders and clients against the built
        /// server.
        /// Sets up what it needs by itself; with CI set, whatever cannot run is a failure.
        cmd test {
            /// Rounds of `kill -9` under load in the crash test (default 200).
            optional --kill-rounds rounds: u32
            /// Runs one suite alone: rust, python, duckdb, senders (SDKs of other vendors), or of those a single language:
            /// senders-node, senders-browser, senders-python, senders-go, senders-java, senders-documented;
            /// or clients (the programs of docs/clients.md).
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
        /// Runs the benches, all or those whose name contains the filter.
        cmd bench {
            /// A part of the benches' names.
            optional filter: String
        }
        /// Runs the fuzz tests for longer than `test` does.
        cmd fuzz {
            /// A part of the tests' names (default `fuzz`).
            optional filter: String
            /// Cases a test tries (default 100000).
            optional --cases cases: u32
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
            "senders-node" => Language::Node,
            "senders-browser" => Language::Browser,
            "senders-python" => Language::Python,
            "senders-go" => Language::Go,
            "senders-java" => Language::Java,
            "senders-documented" => Language::Documented,
            _ => {
                return Err(format!(
                    "`{text}` is no suite: rust, python, duckdb, clients, senders or senders-LANGUAGE"
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
