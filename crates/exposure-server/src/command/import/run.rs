use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use exposure_core::{Incoming, Timestamp};
use exposure_formats::amplitude::{Recorded, Upload, uploads};
use exposure_formats::{JsonBody, Refused};
use exposure_proto::v1;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use indicatif::{ProgressBar, ProgressStyle};
use tonic::Code;

use super::convert::{event, unread};
use super::summary::{Counts, Summary};
use crate::client::{ClientOptions, Keyed, block_on};
use crate::console;
use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// Files and what they hold.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// What the files hold
    #[arg(long, value_enum)]
    format: Format,
    /// Bodies of uploads, or captures of requests with the times they were received
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// With --json: also list what became of each event, in the order of the file
    #[arg(long, requires = "json")]
    outcomes: bool,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Amplitude's HTTP API
    Amplitude,
}

/// An event as its format read it.
type Read<'b> = std::result::Result<Incoming<'b>, Refused<'b>>;

/// Events of one request.
const BATCH_EVENTS: usize = 1000;
const RETRIES: u32 = 60;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Sends every event of the files; 1 where a body could not be read.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<ExitCode> {
    let Format::Amplitude = options.format;
    let summary = block_on(async {
        let connection = options.client.connect(environment).await?;
        let mut client = connection.ingest();
        let progress = progress(options.files.len());
        let mut summary = Summary::default();
        for path in &options.files {
            progress.set_message(path.display().to_string());
            let counts = file(path, options.outcomes, &mut client).await?;
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
    keep_outcomes: bool,
    client: &mut IngestServiceClient<Keyed>,
) -> Result<Counts> {
    let wrong =
        |cause: &dyn std::fmt::Display| Failure::usage(format!("{}: {cause}", path.display()));
    let bytes = fs::read(path).map_err(|cause| wrong(&cause))?;
    let mut counts = Counts::new(keep_outcomes);
    for (index, recorded) in uploads(&bytes).map_err(|cause| wrong(&cause))?.iter().enumerate() {
        let body = JsonBody::new(&recorded.body);
        match Upload::parse(&body) {
            Ok(upload) => send(&upload, recorded, client, &mut counts).await?,
            Err(cause) => {
                counts.unreadable.push(format!("{}, body {index}: {cause}", path.display()));
            }
        }
    }
    Ok(counts)
}

async fn send(
    upload: &Upload<'_>,
    recorded: &Recorded<'_>,
    client: &mut IngestServiceClient<Keyed>,
    counts: &mut Counts,
) -> Result<()> {
    let options = v1::ImportOptions {
        min_id_length: upload.min_id_chars().and_then(|length| i32::try_from(length).ok()),
        received_us: recorded.received.map(Timestamp::as_micros),
        dialect: v1::Dialect::Amplitude.into(),
    };
    // A request names one library; an event's place in its body is in the event already.
    for run in upload.events().chunk_by(|one, next| library(one) == library(next)) {
        let library = run.first().map(library).filter(|name| !name.is_empty());
        for batch in run.chunks(BATCH_EVENTS) {
            let request = v1::IngestRequest {
                events: batch.iter().map(sent).collect(),
                library: library.map(str::to_owned),
                import_options: Some(options),
                request_id: None,
            };
            for outcome in ingest(client, request).await?.outcomes {
                counts.outcome(&outcome);
            }
        }
    }
    Ok(())
}

fn library<'b>(read: &Read<'b>) -> &'b str {
    read.as_ref().map_or_else(|refused| refused.library, |incoming| incoming.library)
}

/// One that could not be read is sent as well: the server counts it, and it can be looked at there.
fn sent(read: &Read<'_>) -> v1::Event {
    read.as_ref().map_or_else(unread, event)
}

/// Sends a batch, again where the server has no room for it yet.
async fn ingest(
    client: &mut IngestServiceClient<Keyed>,
    request: v1::IngestRequest,
) -> Result<v1::IngestResponse> {
    for _ in 0..RETRIES {
        match client.ingest(request.clone()).await {
            Err(status) if status.code() == Code::ResourceExhausted => {
                tokio::time::sleep(RETRY_AFTER).await;
            }
            answer => return Ok(answer?.into_inner()),
        }
    }
    Ok(client.ingest(request).await?.into_inner())
}
