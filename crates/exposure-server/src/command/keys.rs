use clap::{Args, Subcommand, ValueEnum};
use exposure_proto::v1;
use serde_json::{Value, json};

use crate::client::{ClientOptions, Connection, block_on};
use crate::console::{self, Table, line};
use crate::encoding::show_time;
use crate::environment::Environment;
use crate::failure::Result;

/// What to do with keys.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List the keys of a project, revoked ones too
    List {
        /// The project [default: that of the key]
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        project: String,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// Create a key and show it this once
    Create {
        /// What it may do; may be given several times
        #[arg(long, required = true, value_delimiter = ',')]
        scope: Vec<ScopeName>,
        /// Its name for people
        #[arg(long, default_value = "")]
        name: String,
        /// The project [default: that of the key]
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        project: String,
        #[command(flatten)]
        client: ClientOptions,
    },
    /// Revoke a key at once and for ever
    Revoke {
        /// Its number, as the list shows it
        key_id: String,
        #[command(flatten)]
        client: ClientOptions,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeName {
    /// Send events; safe in a web page
    Ingest,
    /// Read properties, exposures and usage
    Read,
    /// Everything else, and imports
    Admin,
}

impl ScopeName {
    const fn wire(self) -> v1::Scope {
        match self {
            Self::Ingest => v1::Scope::Ingest,
            Self::Read => v1::Scope::Read,
            Self::Admin => v1::Scope::Admin,
        }
    }
}

/// Lists, creates or revokes keys.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<()> {
    block_on(async {
        match &options.action {
            Action::List { project, client } => {
                let keys = list(&client.connect(environment).await?, project).await?;
                show(&keys, client.json)
            }
            Action::Create { scope, name, project, client } => {
                let request = v1::CreateApiKeyRequest {
                    project_id: project.clone(),
                    display_name: name.clone(),
                    scopes: scope.iter().map(|scope| scope.wire().into()).collect(),
                };
                let mut admin = client.connect(environment).await?.admin();
                let answer = admin.create_api_key(request).await?.into_inner();
                let key = answer.api_key.unwrap_or_default();
                if client.json {
                    let mut key = as_json(&key);
                    if let Some(members) = key.as_object_mut() {
                        members.insert("secret".to_owned(), Value::from(answer.secret));
                    }
                    return console::json(&key);
                }
                line(format!(
                    "key {} of project {}, shown this once:",
                    key.key_id, key.project_id
                ))?;
                line(answer.secret)
            }
            Action::Revoke { key_id, client } => {
                let mut admin = client.connect(environment).await?.admin();
                let request = v1::RevokeApiKeyRequest { key_id: key_id.clone() };
                let answer = admin.revoke_api_key(request).await?.into_inner();
                show(&[answer.api_key.unwrap_or_default()], client.json)
            }
        }
    })
}

async fn list(connection: &Connection, project: &str) -> Result<Vec<v1::ApiKey>> {
    let (mut admin, mut keys) = (connection.admin(), Vec::new());
    let mut request = v1::ListApiKeysRequest {
        project_id: project.to_owned(),
        ..v1::ListApiKeysRequest::default()
    };
    loop {
        let page = admin.list_api_keys(request.clone()).await?.into_inner();
        keys.extend(page.api_keys);
        if page.next_page_token.is_empty() {
            return Ok(keys);
        }
        request.page_token = page.next_page_token;
    }
}

fn show(keys: &[v1::ApiKey], json: bool) -> Result<()> {
    if json {
        return console::json(&json!({"keys": keys.iter().map(as_json).collect::<Vec<_>>()}));
    }
    let mut table = Table::new(&["key", "project", "name", "scopes", "created", "revoked"]);
    for key in keys {
        table.row([
            key.key_id.clone(),
            key.project_id.clone(),
            key.display_name.clone(),
            scopes(key).join(","),
            show_time(key.create_time_us),
            key.revoke_time_us.map(show_time).unwrap_or_default(),
        ]);
    }
    table.print("no keys")
}

fn as_json(key: &v1::ApiKey) -> Value {
    json!({
        "key_id": key.key_id,
        "project": key.project_id,
        "name": key.display_name,
        "scopes": scopes(key),
        "created": show_time(key.create_time_us),
        "revoked": key.revoke_time_us.map(show_time),
    })
}

fn scopes(key: &v1::ApiKey) -> Vec<String> {
    let name = |&scope: &i32| {
        let name = v1::Scope::try_from(scope).unwrap_or_default().as_str_name();
        name.trim_start_matches("SCOPE_").to_lowercase()
    };
    key.scopes.iter().map(name).collect()
}
