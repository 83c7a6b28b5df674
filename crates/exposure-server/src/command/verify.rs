use std::path::PathBuf;

use clap::Args;
use exposure_service::Clock as _;
use exposure_store::Store as _;
use exposure_store_embedded::{EmbeddedStore, Options as StoreOptions};
use serde_json::json;

use crate::client::block_on;
use crate::console::{self, line};
use crate::encoding::to_hex;
use crate::failure::{Failure, Result};
use crate::system::SystemClock;

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
    let store = EmbeddedStore::open(StoreOptions::new(&options.data_dir), SystemClock.now())
        .map_err(damaged)?;
    let hash = block_on(async {
        let hash = store.state_hash().await.map_err(damaged)?;
        store.close().await.map_err(damaged)?;
        Ok(hash)
    })?;
    let hash = to_hex(&hash.to_u128().to_be_bytes());
    if options.json {
        return console::json(
            &json!({"data_dir": options.data_dir, "ok": true, "state_hash": hash}),
        );
    }
    line(format!("{dir} is sound"))?;
    line(format!("state hash {hash}"))
}
