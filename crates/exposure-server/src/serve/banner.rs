use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use exposure_service::Bootstrap;

use crate::console::line;
use crate::failure::Result;

/// Says on standard output that the server is there, and what to do next.
pub(super) fn print(
    grpc: SocketAddr,
    http: SocketAddr,
    certificate: Option<&Path>,
    data_dir: &Path,
    bootstrap: &Bootstrap,
) -> Result<()> {
    let server = reachable(grpc);
    line(format!("exposure {} is ready", env!("CARGO_PKG_VERSION")))?;
    line(format!("  gRPC  {grpc}"))?;
    line(format!("  HTTP  http://{http}"))?;
    if let Some(certificate) = certificate {
        line(format!("  TLS   on both, with {}", certificate.display()))?;
    }
    line(format!("  data  {}", data_dir.display()))?;
    if bootstrap.created_project {
        line("\nThis is its first start: it made the project `default`.")?;
    }
    let Some(key) = &bootstrap.api_key else { return Ok(()) };
    line("It made a key with all scopes, which is shown this once:")?;
    line("  project  default")?;
    line(format!("  API key  {key}"))?;
    line("\nTrack a first exposure from another terminal, then ask for the user's properties:")?;
    line(format!("  export EXPOSURE_SERVER=http://{server} EXPOSURE_API_KEY={key}"))?;
    line("  exposure track --user user-1 --flag checkout --variant on")?;
    line("  exposure user --user user-1")
}

/// Where a client of this machine reaches what listens on an address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
