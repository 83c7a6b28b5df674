use clap::Args;
use exposure_proto::v1;
use serde_json::{Map, Value, json};

use super::whom::Whom;
use crate::client::{ClientOptions, block_on};
use crate::console::{self, Table};
use crate::encoding::{property, show_time};
use crate::environment::Environment;
use crate::failure::Result;

/// Whose properties.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    client: ClientOptions,
}

/// Shows the experiment properties of a user or a device.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<()> {
    options.whom.check()?;
    block_on(async {
        let connection = options.client.connect(environment).await?;
        let request = v1::GetUserPropertiesRequest {
            user_id: options.whom.user.clone(),
            device_id: options.whom.device.clone(),
        };
        let answer = connection.properties().get_user_properties(request).await?.into_inner();
        let user = answer.user_properties.unwrap_or_default();
        if options.client.json {
            let properties: Map<String, Value> = user
                .properties
                .iter()
                .map(|it| (property(&it.flag_key), Value::from(it.variant.as_str())))
                .collect();
            return console::json(&json!({"profile": user.profile, "properties": properties}));
        }
        console::line(&user.profile)?;
        let mut table = Table::new(&["property", "variant", "since", "experiment"]);
        for it in user.properties {
            let experiment = it.experiment_key.unwrap_or_default();
            table.row([property(&it.flag_key), it.variant, show_time(it.time_us), experiment]);
        }
        table.print("no experiment properties")
    })
}
