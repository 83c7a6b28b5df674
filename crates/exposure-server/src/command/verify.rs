use std::path::PathBuf;

use clap::Args;
use exposure_store_embedded::{Compared, verify};
use serde_json::json;

use crate::console::{self, line};
use crate::encoding::to_hex;
use crate::failure::{Failure, Result};

/// Which data directory.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data_dir: PathBuf,
    /// Answer with JSON
    #[arg(long)]
    json: bool,
}

/// Checks a data directory at rest.
pub(crate) fn run(options: &Options) -> Result<()> {
    let dir = options.data_dir.display();
    if !options.data_dir.join("FORMAT").is_file() {
        return Err(Failure::usage(format!("{dir} is no data directory: it has no file FORMAT")));
    }
    let damaged = |error: exposure_store::Error| Failure::failed(format!("{dir}: {error}"));
    let report = verify(&options.data_dir).map_err(damaged)?;
    let hash = to_hex(&report.state_hash.to_u128().to_be_bytes());
    let compared = match report.compared {
        Compared::Rebuilt => "state is what the stored events make",
        Compared::Sum => "state is of as many events with the same sum of hashes as are stored",
        _ => "state was not compared with the stored events: some were erased or let go",
    };
    if options.json {
        return console::json(&json!({
            "data_dir": options.data_dir, "ok": true, "state_hash": hash, "compared": compared,
            "profiles": report.profiles, "events": report.events,
            "stored_events": report.stored_events, "files": report.files,
            "log_bytes": report.log_bytes,
        }));
    }
    line(format!("{dir} is sound: {compared}"))?;
    line(format!(
        "{} profiles, {} events, {} of them stored, {} files, {} bytes of log",
        report.profiles, report.events, report.stored_events, report.files, report.log_bytes
    ))?;
    line(format!("state hash {hash}"))
}
