use clap::Args;
use exposure_proto::v1;
use serde_json::{Map, Value, json};

use super::senders;
use crate::client::{ClientOptions, Connection, block_on};
use crate::console::{self, Table};
use crate::encoding::show_time;
use crate::environment::Environment;
use crate::failure::Result;

/// What to list.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// List what each sender sent instead, and what its clients lost before
    #[arg(long)]
    senders: bool,
    #[command(flatten)]
    client: ClientOptions,
}

/// Lists flags with their variants, or senders with their counts.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<()> {
    block_on(async {
        let connection = options.client.connect(environment).await?;
        match (options.senders, options.client.json) {
            (false, false) => flags_table(&all_flags(&connection).await?),
            (false, true) => console::json(&flags_json(&all_flags(&connection).await?)),
            (true, false) => senders::print(&senders::all(&connection).await?),
            (true, true) => console::json(&senders::json(&senders::all(&connection).await?)),
        }
    })
}

/// Every flag of the key's project.
pub(crate) async fn all_flags(connection: &Connection) -> Result<Vec<v1::Flag>> {
    let (mut queries, mut flags) = (connection.queries(), Vec::new());
    let mut request = v1::ListFlagsRequest::default();
    loop {
        let page = queries.list_flags(request.clone()).await?.into_inner();
        flags.extend(page.flags);
        if page.next_page_token.is_empty() {
            return Ok(flags);
        }
        request.page_token = page.next_page_token;
    }
}

fn flags_table(flags: &[v1::Flag]) -> Result<()> {
    let mut table = Table::new(&["flag", "variant", "profiles", "exposures", "first", "last"]);
    for flag in flags {
        for variant in &flag.variants {
            table.row([
                flag.flag_key.clone(),
                variant.variant.clone(),
                variant.profile_count.to_string(),
                variant.exposure_count.to_string(),
                show_time(variant.first_time_us),
                show_time(variant.last_time_us),
            ]);
        }
        let all = format!("(all; {} saw more than one)", flag.jumper_count);
        let [none, first, last] = [const { String::new() }; 3];
        table.row([flag.flag_key.clone(), all, flag.profile_count.to_string(), none, first, last]);
    }
    table.print("no flags yet")
}

fn flags_json(flags: &[v1::Flag]) -> Value {
    let flag = |flag: &v1::Flag| {
        let variants: Map<String, Value> = flag
            .variants
            .iter()
            .map(|it| {
                let counts = json!({
                    "profiles": it.profile_count,
                    "exposures": it.exposure_count,
                    "first_time": show_time(it.first_time_us),
                    "last_time": show_time(it.last_time_us),
                });
                (it.variant.clone(), counts)
            })
            .collect();
        json!({
            "flag_key": flag.flag_key,
            "variants": variants,
            "profiles": flag.profile_count,
            "jumpers": flag.jumper_count,
        })
    };
    json!({"flags": flags.iter().map(flag).collect::<Vec<_>>()})
}
