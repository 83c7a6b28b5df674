use std::process::ExitCode;

use clap::Args;
use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_service::Clock as _;

use super::whom::Whom;
use crate::client::{ClientOptions, block_on, outcome_json, outcome_text};
use crate::console;
use crate::encoding::parse_time;
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::system::SystemClock;

/// One exposure and where to send it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    whom: Whom,
    /// The flag that was seen
    #[arg(long, value_name = "KEY")]
    flag: String,
    /// The variant that was seen; without one the property is unset
    #[arg(long)]
    variant: Option<String>,
    /// Which run of the flag it was
    #[arg(long, value_name = "KEY")]
    experiment_key: Option<String>,
    /// When: milliseconds since 1970-01-01, or RFC 3339 [default: now]
    #[arg(long, value_parser = parse_time)]
    time: Option<i64>,
    /// Orders exposures of one time
    #[arg(long, default_value_t = 0)]
    sequence: i64,
    /// Makes it harmless to send the same exposure again
    #[arg(long, value_name = "ID")]
    insert_id: Option<String>,
    /// What else to keep with it, as JSON
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Sends one exposure and tells what became of it; 1 where it was rejected.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<ExitCode> {
    options.whom.check()?;
    block_on(async {
        let connection = options.client.connect(environment).await?;
        let request = v1::IngestRequest {
            events: vec![event(options)],
            library: Some(concat!("exposure-cli/", env!("CARGO_PKG_VERSION")).to_owned()),
            ..v1::IngestRequest::default()
        };
        let answer = connection.ingest().ingest(request).await?.into_inner();
        let outcome =
            answer.outcomes.first().ok_or_else(|| Failure::failed("the server gave no outcome"))?;
        if options.client.json {
            console::json(&outcome_json(outcome))?;
        } else {
            console::line(outcome_text(outcome))?;
        }
        Ok(match outcome.result {
            Some(Outcome::Accepted(_) | Outcome::Duplicate(_)) => ExitCode::SUCCESS,
            Some(Outcome::Rejected(_)) | None => ExitCode::FAILURE,
        })
    })
}

fn event(options: &Options) -> v1::Event {
    let exposure = v1::Exposure {
        flag_key: Some(options.flag.clone()),
        variant: options.variant.clone(),
        experiment_key: options.experiment_key.clone(),
        metadata: options.metadata.clone().map(Into::into),
        ..v1::Exposure::default()
    };
    v1::Event {
        user_id: options.whom.user.clone(),
        device_id: options.whom.device.clone(),
        insert_id: options.insert_id.clone(),
        time_us: Some(options.time.unwrap_or_else(|| SystemClock.now().as_micros())),
        sequence: options.sequence,
        body: Some(v1::event::Body::Exposure(exposure)),
        ..v1::Event::default()
    }
}
