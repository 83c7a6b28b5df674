//! A disk that is really full: a small file system of its own, and a file that takes what is left of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::property_service_client::PropertyServiceClient;
use exposure_proto::v1::usage_service_client::UsageServiceClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::process::{KEY, Server, exposure};

/// Room of the file system: a few segments of the log, and little beside them.
const SIZE: &str = "size=640m";
/// Events of a batch, and bytes of each: a segment is full after some hundred batches.
const EVENTS: usize = 20;
const BYTES: usize = 20_000;
/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A file system in memory that only this process's children see, for as long as it lives.
struct Small {
    holder: Child,
    options: &'static [&'static str],
    dir: PathBuf,
}

impl Small {
    /// Mounts it, where this user may.
    fn mount(dir: &Path) -> Option<Self> {
        let ways: [(&[&str], &'static [&'static str]); 2] = [
            (&["--map-root-user", "--mount"], &["--user", "--preserve-credentials", "--mount"]),
            (&["--mount"], &["--mount"]),
        ];
        let script =
            format!("mount -t tmpfs -o {SIZE} tmpfs \"$0\" && echo ready && exec sleep 600");
        for (unshare, nsenter) in ways {
            let holder = Command::new("unshare")
                .args(unshare)
                .args(["sh", "-c", &script])
                .arg(dir)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let Ok(mut holder) = holder else { continue };
            let mut line = String::new();
            BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
            if line == "ready\n" {
                return Some(Self { holder, options: nsenter, dir: dir.to_owned() });
            }
            holder.wait().unwrap();
        }
        None
    }

    /// A command that sees it.
    fn enter(&self, command: &Command) -> Command {
        let mut entered = Command::new("nsenter");
        entered.args(["--target", &self.holder.id().to_string()]).args(self.options);
        entered.arg(command.get_program()).args(command.get_args());
        entered.stdin(Stdio::null());
        entered
    }

    /// A path of it as this process sees it.
    fn outside(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.dir.strip_prefix("/").unwrap()).join(name)
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.outside("filler")).unwrap();
        let zeros = vec![0; 1 << 16];
        while file.write_all(&zeros).is_ok() {}
        // And what is less than one write.
        while file.write_all(&zeros[..512]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.outside("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // It may have ended already.
        if self.holder.kill().is_ok() {
            self.holder.wait().unwrap();
        }
    }
}

fn keyed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-api-key", KEY.parse().unwrap());
    request
}

fn batch(number: usize) -> v1::IngestRequest {
    let event = |at: usize| {
        let text = format!("{{\"text\":\"{}\"}}", "x".repeat(BYTES));
        let exposure = v1::Exposure {
            flag_key: Some("flag".to_owned()),
            variant: Some(format!("variant-{}", number % 3)),
            metadata: Some(text.into()),
            ..v1::Exposure::default()
        };
        v1::Event {
            user_id: Some(format!("user-{at}")),
            insert_id: Some(format!("{number}-{at}")),
            body: Some(v1::event::Body::Exposure(exposure)),
            ..v1::Event::default()
        }
    };
    v1::IngestRequest { events: (0..EVENTS).map(event).collect(), ..Default::default() }
}

/// Sends a batch; how many of it were there already.
async fn send(channel: &Channel, number: usize) -> Result<usize, Status> {
    let mut client = IngestServiceClient::new(channel.clone());
    let answer = client.ingest(keyed(batch(number))).await?.into_inner();
    assert_eq!(answer.outcomes.len(), EVENTS);
    let is_duplicate = |outcome: &&v1::EventOutcome| match &outcome.result {
        Some(Outcome::Accepted(_)) => false,
        Some(Outcome::Duplicate(duplicate)) => !duplicate.conflict,
        other => panic!("{other:?}"),
    };
    Ok(answer.outcomes.iter().filter(is_duplicate).count())
}

async fn n_events(channel: &Channel) -> usize {
    let request = v1::GetUsageRequest {
        start_day: "2000-01-01".to_owned(),
        end_day: "2999-12-31".to_owned(),
        ..Default::default()
    };
    let mut client = UsageServiceClient::new(channel.clone());
    let answer = client.get_usage(keyed(request)).await.unwrap().into_inner();
    answer.rows.iter().map(|row| row.event_count as usize).sum()
}

/// The variant that a user has.
async fn variant(channel: &Channel) -> String {
    let request =
        v1::GetUserPropertiesRequest { user_id: Some("user-0".to_owned()), device_id: None };
    let mut client = PropertyServiceClient::new(channel.clone());
    let answer = client.get_user_properties(keyed(request)).await.unwrap().into_inner();
    answer.user_properties.unwrap().properties.remove(0).variant
}

/// It is refused as what may be tried again, and says when.
fn check_refusal(server: &Server, status: &Status) {
    use tonic_types::StatusExt as _;
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}\n{}", server.log());
    let details = status.get_error_details();
    let delay = details.retry_info().and_then(|info| info.retry_delay);
    assert!(delay.is_some_and(|delay| delay > Duration::ZERO), "{status:?}");
    assert!(status.message().contains("disk"), "{status:?}");
}

fn start(small: &Small, log: &Path) -> Server {
    let data = small.dir.join("data");
    let args = ["--api-key", KEY, "--convert-every", "100ms", "--checkpoint-after", "16MiB"];
    Server::start_by(&|command| small.enter(command), &data, log, &args)
}

async fn connect(server: &Server) -> Channel {
    Endpoint::from_shared(server.grpc.clone()).unwrap().connect().await.unwrap()
}

#[test]
fn a_full_disk_is_refused_and_gone_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(dir.path()) else {
        assert!(std::env::var_os("CI").is_none(), "CI is set, and no file system can be mounted");
        eprintln!("not run: a full disk: needs unshare, nsenter and the right to mount");
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(fill_and_go_on(&small));
}

async fn fill_and_go_on(small: &Small) {
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("log");
    let server = start(small, &log);
    let channel = connect(&server).await;
    let mut n_sent = 0;
    for round in 0..2 {
        assert_eq!(send(&channel, n_sent).await.unwrap(), 0);
        n_sent += 1;
        small.fill();
        let began = Instant::now();
        let refused = loop {
            match send(&channel, n_sent).await {
                Ok(n_known) => assert_eq!(n_known, 0),
                Err(status) => break status,
            }
            n_sent += 1;
            assert!(began.elapsed() < PATIENCE, "{n_sent} batches in a full disk");
        };
        check_refusal(&server, &refused);
        // It stays so, and reads go on.
        for _ in 0..20 {
            check_refusal(&server, &send(&channel, n_sent).await.unwrap_err());
            assert_eq!(n_events(&channel).await, n_sent * EVENTS, "what was refused is not there");
            assert_eq!(variant(&channel).await, format!("variant-{}", (n_sent - 1) % 3));
        }
        small.make_room();
        let began = Instant::now();
        while let Err(status) = send(&channel, n_sent).await {
            check_refusal(&server, &status);
            assert!(began.elapsed() < PATIENCE, "refused for ever: {}", server.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        n_sent += 1;
        assert_eq!(n_events(&channel).await, n_sent * EVENTS);
        eprintln!("full disk, round {round}: {n_sent} batches stored");
    }
    // Nothing was lost and nothing is there twice, also after a crash.
    server.kill();
    let server = start(small, &log);
    let channel = connect(&server).await;
    assert_eq!(n_events(&channel).await, n_sent * EVENTS);
    for number in 0..n_sent {
        assert_eq!(send(&channel, number).await.unwrap(), EVENTS, "batch {number} was lost");
    }
    assert_eq!(n_events(&channel).await, n_sent * EVENTS);
    assert_eq!(server.stop(), 0);
    let data = small.dir.join("data");
    let verify = exposure(&["verify", "--data-dir", data.to_str().unwrap()]);
    let output = small.enter(&verify).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
