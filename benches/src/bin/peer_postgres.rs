//! Load for PostgreSQL: registers, of which the newest write stands.
//!
//! `peer_postgres --port PORT [--preload] [--connections N] [--batch N] [--seconds N] [--registers N]`
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

use std::time::{Duration, Instant};

use exposure_benches::peer::{Options, Registers, Tally, Write, report};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls, Statement};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Updated rows stay on their page where it has room: no index is written then.
const TABLE: &str = "CREATE TABLE registers (
    user_id text NOT NULL, flag_key text NOT NULL, variant text NOT NULL, time_us bigint NOT NULL,
    PRIMARY KEY (user_id, flag_key)) WITH (fillfactor = 80)";
const PRELOAD: &str = "INSERT INTO registers
    SELECT 'user-' || lpad((n / 10)::text, 10, '0'), 'flag-' || lpad((n % 10)::text, 10, '0'), 'variant' || n % 4, 0
    FROM generate_series($1::bigint, $2::bigint) AS n";
const NEWER: &str = "ON CONFLICT (user_id, flag_key) DO UPDATE
    SET variant = excluded.variant, time_us = excluded.time_us WHERE registers.time_us < excluded.time_us";

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::from_args()?;
    let start = Instant::now();
    if options.preload {
        let tally = preload(&options).await?;
        println!("{}", report(&tally, start.elapsed()));
        return Ok(());
    }
    let mut workers = JoinSet::new();
    for worker in 0..options.connections {
        let client = connect(options.port).await?;
        workers.spawn(work(client, options.clone(), worker));
    }
    let mut tally = Tally::new()?;
    let start = Instant::now();
    while let Some(worker) = workers.join_next().await {
        tally.add(&worker??)?;
    }
    println!("{}", report(&tally, start.elapsed()));
    Ok(())
}

async fn connect(port: u16) -> Result<Client> {
    let how = format!("host=127.0.0.1 port={port} user=bench dbname=postgres");
    // The port is open before the server takes connections.
    for _ in 0..600 {
        match tokio_postgres::connect(&how, NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return Ok(client);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err("PostgreSQL does not take connections".into())
}

/// Writes every register, and leaves the server as it is after a while: rows counted, pages on disk.
async fn preload(options: &Options) -> Result<Tally> {
    let (client, mut tally) = (connect(options.port).await?, Tally::new()?);
    client.batch_execute(TABLE).await?;
    let last = i64::try_from(options.registers)? - 1;
    let start = Instant::now();
    client.execute(PRELOAD, &[&0_i64, &last]).await?;
    client.batch_execute("VACUUM ANALYZE registers").await?;
    client.batch_execute("CHECKPOINT").await?;
    tally.answered(options.registers, start.elapsed());
    Ok(tally)
}

async fn work(client: Client, options: Options, worker: u64) -> Result<Tally> {
    let one = format!("INSERT INTO registers VALUES ($1, $2, $3, $4) {NEWER}");
    let many = format!(
        "INSERT INTO registers SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) {NEWER}"
    );
    let statement = client.prepare(if options.batch == 1 { &one } else { &many }).await?;
    let mut registers = Registers::new(options.registers, worker);
    let (mut writes, mut tally, start) = (Vec::new(), Tally::new()?, Instant::now());
    while start.elapsed() < options.duration {
        registers.draw_all(options.batch, &mut writes);
        let sent = Instant::now();
        send(&client, &statement, &mut writes, options.batch).await?;
        tally.answered(options.batch as u64, sent.elapsed());
    }
    Ok(tally)
}

async fn send(
    client: &Client,
    statement: &Statement,
    writes: &mut Vec<Write>,
    batch: usize,
) -> Result<()> {
    if let ([write], 1) = (writes.as_slice(), batch) {
        client
            .execute(statement, &[&write.user(), &write.flag(), &write.variant(), &write.time_us])
            .await?;
        return Ok(());
    }
    // One statement can not update a row twice; and in one order, batches do not wait for each other in a circle.
    writes.sort_unstable_by_key(|write| (write.register, std::cmp::Reverse(write.time_us)));
    writes.dedup_by_key(|write| write.register);
    let users: Vec<_> = writes.iter().map(|write| write.user()).collect();
    let flags: Vec<_> = writes.iter().map(|write| write.flag()).collect();
    let variants: Vec<_> = writes.iter().map(|write| write.variant()).collect();
    let times: Vec<_> = writes.iter().map(|write| write.time_us).collect();
    client.execute(statement, &[&users, &flags, &variants, &times]).await?;
    Ok(())
}
