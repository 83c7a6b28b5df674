use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use super::batch::Batch;
use super::bodies::{Bodies, content};
use super::export::Exported;
use super::feed::Feed;
use super::format::{Format, Layout};
use super::input;
use super::insert_id::Derived;
use super::state::{Mark, State};
use super::summary::{Counts, Summary};
use super::tally::Tally;
use crate::client::{ClientOptions, block_on};
use crate::console;
use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// Files and what they hold.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// What the files hold; of a capture only the requests of this format, else all that are known
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Captures of requests with the times they were received, one body of the format each, or
    /// lines of an export; gzip or not; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where it stands how far each file is sent, so that an import that was ended goes on there
    #[arg(long, value_name = "STATE_FILE")]
    resume: Option<PathBuf>,
    /// With --json: also list what became of each event, in the order of the file
    #[arg(long, requires = "json")]
    outcomes: bool,
    #[command(flatten)]
    client: ClientOptions,
}

/// Sends every event of the files; 1 where a body could not be read.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<ExitCode> {
    let summary = block_on(import(options, environment))?;
    if options.client.json {
        console::json(&summary.json())?;
    } else {
        summary.print()?;
    }
    let all_read = summary.total().unreadable.is_empty();
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn import(options: &Options, environment: &Environment) -> Result<Summary> {
    let connection = options.client.connect(environment).await?;
    let mut feed = Feed::new(connection.ingest());
    let mut state = State::open(options.resume.as_deref())?;
    let bar = progress(&options.files);
    let mut summary = Summary::default();
    for path in &options.files {
        bar.set_message(path.display().to_string());
        let counts = file(path, options, &mut feed, &mut state, &bar).await?;
        summary.files.push((path.display().to_string(), counts));
    }
    bar.finish_and_clear();
    Ok(summary)
}

async fn file(
    path: &Path,
    options: &Options,
    feed: &mut Feed,
    state: &mut State,
    bar: &ProgressBar,
) -> Result<Counts> {
    let derived = if input::is_stdin(path) {
        Derived::of_stream(state.import())
    } else {
        Derived::of_file(path)
    };
    let name = name(path);
    let known = state.known(&name).cloned().unwrap_or_default();
    let counts = Counts::new(known.counts, options.outcomes);
    let mut tally = Tally::new(counts, known.mark, name, state);
    let (batches, received) = mpsc::channel(READ_AHEAD);
    let reading = Reading {
        path: path.to_owned(),
        format: options.format,
        derived,
        resumes: options.resume.is_some(),
        bar: bar.clone(),
    };
    // Reading waits for disks and pipes, which must not keep answers waiting. A thread of its
    // own, because one that waits for a pipe can not be ended, and must not keep the process.
    let reader = thread::spawn(move || reading.read(known.mark, &batches));
    let sent = feed.run(received, &mut tally).await;
    // What is durable is noted, whatever the end was.
    let counts = tally.finish()?;
    sent?;
    let read = reader.join().map_err(|_| Failure::failed("the reading of the file broke off"))?;
    read?;
    Ok(counts)
}

/// Batches that are read and not sent yet.
const READ_AHEAD: usize = 8;

/// What a file is read by.
struct Reading {
    path: PathBuf,
    format: Option<Format>,
    derived: Derived,
    /// Whether it goes on where it broke off.
    resumes: bool,
    bar: ProgressBar,
}

impl Reading {
    /// Reads what is behind the mark, until the end or until nobody takes it any more.
    fn read(&self, from: Mark, batches: &mpsc::Sender<Batch>) -> Result<()> {
        let path = &*self.path;
        let put =
            |batch| batches.blocking_send(batch).map_err(|_| Failure::failed("sending has ended"));
        match self.format.map(Format::layout) {
            Some(Layout::Lines(export)) => {
                Exported::open(path, export, from, &self.bar)?.read(&self.derived, put)
            }
            Some(Layout::Body { .. }) | None => {
                let wrong = |cause| Failure::usage(format!("{}: {cause}", path.display()));
                let content = content(input::open(path, 0, &self.bar).map_err(wrong)?, path)?;
                // What an SDK sent without an insert id is new each time, unless this import is
                // one that may be broken off and goes on.
                let derived = self.resumes.then_some(&self.derived);
                Bodies::new(&content, path, self.format)?.read(from, derived, put)
            }
        }
    }
}

/// What the state calls a file, wherever the command is run.
fn name(path: &Path) -> String {
    if input::is_stdin(path) {
        return "-".to_owned();
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}

/// On a terminal alone; elsewhere it shows nothing.
fn progress(files: &[PathBuf]) -> ProgressBar {
    let n_bytes: Option<u64> = files.iter().map(|path| Some(fs::metadata(path).ok()?.len())).sum();
    let (bar, template) = match n_bytes {
        Some(n_bytes) => (
            ProgressBar::new(n_bytes),
            "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left  {wide_msg}",
        ),
        None => (ProgressBar::no_length(), "{bytes}, {bytes_per_sec}, {elapsed}  {wide_msg}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
