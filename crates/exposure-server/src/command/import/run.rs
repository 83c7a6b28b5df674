use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use exposure_formats::Arena;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_service::Clock as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::send::send;
use super::source::{Format, request, sources};
use super::summary::{Counts, Summary};
use crate::client::{ClientOptions, Keyed, block_on};
use crate::console;
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::system::SystemClock;

/// Files and what they hold.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// What the files hold; of a capture only the requests of this format, else all that are known
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Captures of requests with the times they were received, or one body of the format each
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// With --json: also list what became of each event, in the order of the file
    #[arg(long, requires = "json")]
    outcomes: bool,
    #[command(flatten)]
    client: ClientOptions,
}

/// Sends every event of the files; 1 where a body could not be read.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<ExitCode> {
    let summary = block_on(async {
        let connection = options.client.connect(environment).await?;
        let mut client = connection.ingest();
        let progress = progress(options.files.len());
        let mut summary = Summary::default();
        for path in &options.files {
            progress.set_message(path.display().to_string());
            let counts = file(path, options, &mut client).await?;
            summary.files.push((path.display().to_string(), counts));
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(summary)
    })?;
    if options.client.json {
        console::json(&summary.json())?;
    } else {
        summary.print()?;
    }
    let all_read = summary.total().unreadable.is_empty();
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On a terminal alone; elsewhere it shows nothing.
fn progress(n_files: usize) -> ProgressBar {
    let bar = ProgressBar::new(n_files as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} files, {elapsed}  {wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

async fn file(
    path: &Path,
    options: &Options,
    client: &mut IngestServiceClient<Keyed>,
) -> Result<Counts> {
    let wrong =
        |cause: &dyn std::fmt::Display| Failure::usage(format!("{}: {cause}", path.display()));
    let bytes = fs::read(path).map_err(|cause| wrong(&cause))?;
    let mut counts = Counts::new(options.outcomes);
    let now = SystemClock.now();
    let sources = sources(&bytes, options.format, now).map_err(|cause| wrong(&cause))?;
    for (index, source) in sources.iter().enumerate() {
        let arena = Arena::new();
        match source.protocol.read(&request(&source.recorded), &arena) {
            Ok(upload) => send(&upload, source, client, &mut counts).await?,
            Err(cause) => {
                counts.unreadable.push(format!("{}, body {index}: {cause}", path.display()));
            }
        }
    }
    Ok(counts)
}
