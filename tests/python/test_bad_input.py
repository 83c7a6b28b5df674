"""Data directories that can not be used, and clients that do not read: clear errors, nothing lost, nobody else harmed.

A directory in use, or of a newer format, and ports in use are tried by the tests of exposure-server.
"""

import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

import exposure_process
from exposure_client import Client
from exposure_process import API_KEY, Server

T0 = 1_700_000_000_000_000
NOBODY = 65534


def refused_start(data_dir: pathlib.Path, *, program: pathlib.Path | None = None, user: int | None = None) -> str:
    """Starts a server that must not start; gives the one line it says."""
    args = ["serve", "--data-dir", str(data_dir), "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    answer = subprocess.run(
        [program or exposure_process.binary(), *args, "--api-key", API_KEY, "--log", "off"],
        env=exposure_process.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        user=user,
        cwd="/",
    )
    assert (answer.returncode, answer.stdout) == (2, ""), answer.stderr
    assert answer.stderr.count("\n") == 1 and "panicked" not in answer.stderr, answer.stderr
    return answer.stderr


def fill(client: Client, n_batches: int = 8) -> None:
    """Stores some thousand exposures."""
    for batch in range(n_batches):
        users = [f"user-{batch}-{number}" for number in range(500)]
        client.send(
            *(client.exposure("flag-of-all", "v" * 200, user_id=user, time_us=T0, insert_id=user) for user in users)
        )


@pytest.fixture
def stopped(start_server: Callable[..., Server], stubs) -> Server:
    """A server that was used and stopped; its directory has a log, checkpoints and stored events."""
    server = start_server("--checkpoint-after", "1MiB", "--convert-every", "1s")
    with Client(stubs, server.grpc, server.api_key) as client:
        fill(client)
    directory, deadline = server.data_dir, time.monotonic() + 60
    while not (any(directory.glob("checkpoint/*.section")) and any(directory.glob("events/*.parquet"))):
        assert time.monotonic() < deadline, f"nothing was written in the background:\n{server.output()}"
        time.sleep(0.05)
    assert server.stop() == 0
    return server


def state_hash(server: Server, stubs) -> bytes:
    """Starts the server, asks for the hash of its state, and stops it."""
    server.start()
    with Client(stubs, server.grpc, server.api_key) as client:
        answer = client.call(client.admin.GetStateHash, stubs.admin_service_pb2.GetStateHashRequest())
        assert client.flags()["flag-of-all"].profile_count == 4000
    assert server.stop() == 0
    return answer.state_hash


def largest(directory: pathlib.Path, pattern: str) -> pathlib.Path:
    """The largest file of a kind."""
    return max(directory.glob(pattern), key=lambda path: path.stat().st_size)


def flip(path: pathlib.Path, place: int) -> None:
    """Flips one bit."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


def test_a_flipped_bit_is_named_and_costs_nothing(stopped: Server, stubs):
    directory = stopped.data_dir
    before = state_hash(stopped, stubs)
    log = min((directory / "log").glob("*.log"))
    section = largest(directory, "checkpoint/*.section")
    places = {
        directory / "FORMAT": [0, 9, 50],
        log: [log.read_bytes().index(b"flag-of-all")],
        section: [0, 100, section.stat().st_size // 2, section.stat().st_size - 1],
        directory / "checkpoint" / "MANIFEST": [3, 40],
    }
    for path, offsets in places.items():
        for offset in offsets:
            flip(path, offset)
            said = refused_start(directory)
            assert path.name in said and "data directory" in said, (path, offset, said)
            again = refused_start(directory)
            assert again == said, "it did not change what it refused"
            flip(path, offset)
    assert state_hash(stopped, stubs) == before, "with the bits back, all is there"


def test_a_missing_checkpoint_is_named(stopped: Server):
    section = largest(stopped.data_dir, "checkpoint/*.section")
    section.rename(stopped.data_dir / "away")
    said = refused_start(stopped.data_dir)
    assert section.name in said, said


def test_a_read_only_data_directory_is_named(stopped: Server, tmp_path: pathlib.Path):
    program, user = exposure_process.binary(), None
    directory = stopped.data_dir
    if os.geteuid() == 0:
        # Nobody is kept from writing as root: another user tries, in a place that user can reach.
        user = NOBODY
        program = shutil.copy(program, tmp_path / "exposure")
        for parent in [tmp_path, *tmp_path.parents]:
            if parent.stat().st_uid == 0 and parent.name.startswith("pytest-"):
                parent.chmod(0o755)
        tmp_path.chmod(0o755)
    held = [directory, *directory.rglob("*")]
    for path in held:
        path.chmod(0o555 if path.is_dir() else 0o444)
    contents = {path: path.read_bytes() for path in held if path.is_file()}
    try:
        said = refused_start(directory, program=program, user=user)
        assert str(directory) in said and "can not be written to" in said, said
        assert {path: path.read_bytes() for path in [*directory.rglob("*")] if path.is_file()} == contents
    finally:
        for path in held:
            path.chmod(0o755 if path.is_dir() else 0o644)


def resident_mib(server: Server) -> float:
    """The memory that the server holds."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def test_a_client_that_never_reads_harms_nobody(client: Client, server: Server, stubs):
    ingest, properties = stubs.ingest_service_pb2, stubs.property_service_pb2
    with Client(stubs, server.grpc, server.api_key, own_connection=True) as silent:
        request = properties.WatchUserPropertiesRequest(snapshot=True)
        watches = [
            silent.properties.WatchUserProperties(request, metadata=silent.metadata, timeout=120) for _ in range(40)
        ]
        for watch in watches:
            assert next(watch).WhichOneof("entry") == "snapshot_done"
        batch = ingest.IngestRequest(
            events=[silent.exposure("f", "on", user_id=f"silent-{number}", time_us=T0) for number in range(500)]
        )
        messages = (ingest.IngestStreamRequest(batch_id=number, batch=batch) for number in range(2000))
        stream = silent.ingest.IngestStream(messages, metadata=silent.metadata, timeout=120)

        before = resident_mib(server)
        n_rounds, n_users, variant = 40, 500, "v" * 1000
        for round_ in range(n_rounds):
            users = [f"user-{round_}-{number}" for number in range(n_users)]
            outcomes = client.send(*(client.exposure("f", variant, user_id=user, time_us=T0) for user in users))
            assert all(outcome.accepted.effects for outcome in outcomes)
        # 20 MB of changes for each of 40 watches that read none of them, 800 MB if they were kept.
        # Storing the events takes some memory too, and the allocator keeps it for a while.
        grown = resident_mib(server) - before
        assert grown < 400, f"{grown} MiB more"
        assert client.properties_of(user_id=f"user-{n_rounds - 1}-0")[1] == {"f": variant}
        stream.cancel()
        for watch in watches:
            watch.cancel()
    assert client.properties_of(user_id="nobody")[1] == {}
    assert server.stop() == 0
