//! Makes projects, each with a key that may do everything, and prints the keys, one to a line.
//!
//! `make_projects http://127.0.0.1:7070 KEY 100`
#![expect(clippy::print_stdout, reason = "the keys are what this program is for")]

use exposure_proto::v1::admin_service_client::AdminServiceClient;
use exposure_proto::v1::{CreateApiKeyRequest, CreateProjectRequest, Scope};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [server, key, n_projects] = args.as_slice() else {
        return Err("give the server, a key that administers it, and how many projects".into());
    };
    let channel = Channel::from_shared(server.clone())?.connect().await?;
    let key: MetadataValue<_> = format!("Bearer {key}").parse()?;
    let mut admin =
        AdminServiceClient::with_interceptor(channel, move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", key.clone());
            Ok(request)
        });
    for number in 0..n_projects.parse()? {
        let project_id = project_name(number);
        let project = CreateProjectRequest {
            project_id: project_id.clone(),
            ..CreateProjectRequest::default()
        };
        admin.create_project(project).await?;
        let scopes = vec![Scope::Ingest.into(), Scope::Read.into(), Scope::Admin.into()];
        let key = CreateApiKeyRequest { project_id, scopes, ..CreateApiKeyRequest::default() };
        println!("{}", admin.create_api_key(key).await?.into_inner().secret);
    }
    Ok(())
}

fn project_name(number: u32) -> String {
    format!("bench-{number}")
}
