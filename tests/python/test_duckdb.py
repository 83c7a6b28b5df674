"""DuckDB over the stored events of a running server counts what the server's API counts."""

import pathlib
import random
import time
import uuid
from collections.abc import Callable

import duckdb
import pytest
import requests

from exposure_client import Client
from exposure_process import Server

pytestmark = pytest.mark.duckdb

T0 = 1_700_000_000_000_000
N_EVENTS, BATCH = 4000, 500
CONVERTED_SECONDS = 60
VARIANTS = ["control", "treatment", "holdout"]

# Ownership as the rules have it: a named event is its user's, an anonymous one belongs to the user of the device's
# latest login until then, else to that of its earliest one, else to the device.
OWNED = """
WITH events AS (
    SELECT position, kind, flag_key, variant, time,
           coalesce(user_id, user_uuid::VARCHAR) AS user,
           coalesce(device_id, device_uuid::VARCHAR) AS device
    FROM read_parquet('{files}')
), logins AS (
    SELECT device, time, max(user) AS user FROM events WHERE user IS NOT NULL AND device IS NOT NULL GROUP BY ALL
), first_logins AS (
    SELECT device, arg_min(user, time) AS user FROM logins GROUP BY device
), owned AS (
    SELECT events.*, coalesce(
        'user:' || events.user,
        'user:' || logins.user,
        'user:' || first_logins.user,
        'device:' || events.device
    ) AS profile
    FROM events
    ASOF LEFT JOIN logins ON events.device = logins.device AND events.time >= logins.time
    LEFT JOIN first_logins ON events.device = first_logins.device
)
"""
EXPOSED = "kind IN ('exposure', 'impression') AND variant IS NOT NULL"


def events(client: Client) -> list:
    """Exposures of named and anonymous users on devices with UUIDs and others, logins, unsets and other events."""
    random_, pb = random.Random(20), client.stubs.event_pb2
    devices = [str(uuid.UUID(int=random_.getrandbits(128), version=4)) for _ in range(300)]
    devices += [f"device-{number}" for number in range(100)]
    users = [f"user-{number}" for number in range(200)]
    users += [str(uuid.UUID(int=random_.getrandbits(128), version=4)) for _ in range(100)]
    made = []
    for number in range(N_EVENTS):
        ids = {"device_id": random_.choice(devices)} if random_.random() < 0.9 else {}
        if not ids or random_.random() < 0.3:
            ids["user_id"] = random_.choice(users)
        insert_id = random_.choice([f"insert-{number}", str(uuid.UUID(int=random_.getrandbits(128), version=4)), None])
        # No two of one time, so that the latest login is one.
        ids |= {"time_us": T0 + random_.randrange(10**9) * 10_000 + number, "insert_id": insert_id}
        kind = random_.random()
        if kind < 0.85:
            variant = random_.choice([*VARIANTS, None])
            flag = f"flag-{random_.randrange(7)}"
            made.append(client.exposure(flag, variant, metadata={"n": number}, **ids))
        elif kind < 0.9:
            made.append(pb.Event(outcome=pb.Outcome(event_type="purchase"), **ids))
        elif kind < 0.95:
            writes = [pb.PropertyWrite(flag_key="flag-1", variant="assigned")]
            made.append(pb.Event(assignment=pb.Assignment(writes=writes), **ids))
        else:
            made.append(pb.Event(identify=pb.Identify(), **ids))
    return made


def ask(server: Server, query: str) -> list[tuple]:
    """Asks DuckDB; once more where a merge of files took away a name that was just listed."""
    files = pathlib.Path(server.data_dir) / "events" / "*.parquet"
    for attempt in range(20):
        try:
            return duckdb.sql(query.format(files=files)).fetchall()
        except duckdb.IOException:
            if attempt == 19:
                raise
            time.sleep(0.2)
    raise AssertionError("unreachable")


def wait_until_stored(server: Server, n_events: int) -> None:
    """Waits until the background work has turned the log into files."""
    deadline = time.monotonic() + CONVERTED_SECONDS
    while True:
        ((n_stored,),) = ask(server, "SELECT count(*) FROM read_parquet('{files}')") if any(
            (pathlib.Path(server.data_dir) / "events").glob("*.parquet")
        ) else ((0,),)
        assert n_stored <= n_events, "more rows than events were admitted"
        if n_stored == n_events:
            return
        assert time.monotonic() < deadline, f"{n_stored} of {n_events} after {CONVERTED_SECONDS} s:\n{server.output()}"
        time.sleep(0.2)


def api_counts(server: Server) -> dict[tuple[str, str], tuple[int, int]]:
    """(exposures, profiles) by flag and variant, of GET /v1/flags."""
    answer = requests.get(f"{server.url}/v1/flags", headers=server.headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return {
        (flag["flag_key"], variant): (counts["exposures"], counts["profiles"])
        for flag in answer.json()["flags"]
        for variant, counts in flag["variants"].items()
        if counts["exposures"]
    }


def duckdb_counts(server: Server) -> dict[tuple[str, str], tuple[int, int]]:
    """The same, of the files."""
    query = OWNED + f"SELECT flag_key, variant, count(*), count(DISTINCT profile) FROM owned WHERE {EXPOSED} GROUP BY ALL"
    return {(flag, variant): counts for flag, variant, *counts in ask(server, query) for counts in [tuple(counts)]}


def test_duckdb_counts_what_the_api_counts(start_server: Callable[..., Server], stubs):
    server = start_server("--convert-every", "1s")
    with Client(stubs, server.grpc, server.api_key) as client:
        sent = events(client)
        n_admitted = n_duplicates = 0
        again = [event for event in sent if event.HasField("insert_id")][: N_EVENTS // 8]
        for start in range(0, len(sent) + len(again), BATCH):
            for outcome in client.send(*(sent + again)[start : start + BATCH], library="duckdb-test/1"):
                n_admitted += outcome.WhichOneof("result") == "accepted"
                n_duplicates += outcome.WhichOneof("result") == "duplicate"
        assert (n_admitted, n_duplicates) == (N_EVENTS, len(again)) and len(again) > 100
        usage = {}
        for row in client.usage_rows():
            usage[row.kind] = usage.get(row.kind, 0) + row.event_count
        assert sum(usage.values()) == n_admitted
    wait_until_stored(server, n_admitted)

    expected = api_counts(server)
    assert len(expected) == 7 * len(VARIANTS)
    assert duckdb_counts(server) == expected
    assert dict(ask(server, "SELECT kind, count(*) FROM read_parquet('{files}') GROUP BY ALL")) == usage
    ((n_positions, n_inserts, n_properties),) = ask(
        server,
        """SELECT count(DISTINCT position),
                  count(insert_id) + count(insert_uuid),
                  count(*) FILTER (WHERE json_valid(properties))
           FROM read_parquet('{files}')""",
    )
    assert n_positions == n_admitted
    assert n_inserts == sum(event.HasField("insert_id") for event in sent)
    assert n_properties == sum(event.HasField("exposure") for event in sent)

    # After a crash the files are the same, and what was not yet in one comes.
    server.kill()
    server.start()
    with Client(stubs, server.grpc, server.api_key) as client:
        client.send(client.exposure("flag-0", "control", user_id="one-more", time_us=T0))
    wait_until_stored(server, n_admitted + 1)
    n_exposures, n_profiles = expected["flag-0", "control"]
    expected["flag-0", "control"] = (n_exposures + 1, n_profiles + 1)
    assert api_counts(server) == expected
    assert duckdb_counts(server) == expected
