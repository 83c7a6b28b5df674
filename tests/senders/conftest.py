"""Fixtures: a server, the vendors' side, and a sender program that talks to both; at the end the list of SDKs.

`cargo xtask test` prepares what the programs need in a directory that EXPOSURE_SENDERS names.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import pytest

# What they assert is told as that of tests is.
pytest.register_assert_rewrite("expected", "reading")

from exposure_process import Server  # noqa: E402
from flag_service import FlagService  # noqa: E402
from reading import Reading  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM_SECONDS = 120
DAY_SECONDS = 86400
LISTED: list["Listed"] = []


@dataclasses.dataclass
class Listed:
    """A line of the list of SDKs."""

    test: str
    sdk: str
    version: str
    requests: str
    events: int


@dataclasses.dataclass
class Telling:
    """A sender program that runs."""

    process: subprocess.Popen
    command: list[str]

    def end(self) -> dict:
        """Waits for the program's end and gives what it told."""
        try:
            out, err = self.process.communicate(timeout=PROGRAM_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"{self.command} did not end\n{out}\n{err}") from None
        assert self.process.returncode == 0, f"{self.command} ended with {self.process.returncode}\n{out}\n{err}"
        lines = [line for line in out.splitlines() if line.startswith('{"sdk":')]
        assert lines, f"{self.command} told nothing\n{out}\n{err}"
        return json.loads(lines[-1])


class Sender:
    """What a test has: a server with an empty data directory, questions to it, and programs that send to it."""

    def __init__(self, name: str, server: Server, start_flags: Callable[..., FlagService]):
        self.name, self.server, self.start_flags = name, server, start_flags
        self.reading = Reading(server)
        self.told: list[dict] = []

    def start(
        self,
        language: str,
        program: str,
        *args: str,
        url: str | None = None,
        flags: str = "-",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> Telling:
        """Starts a program with the server's URL, a key, and the URL of whoever serves flags."""
        wait_while_days_change()
        command = [*command_of(language, program), url or self.server.url, self.server.api_key, flags, *args]
        process = subprocess.Popen(
            [str(word) for word in command],
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Telling(process, command)

    def tell(self, language: str, program: str, *args: str, **options: str) -> dict:
        """Runs a program to its end and gives what it told."""
        return self.note(self.start(language, program, *args, **options).end())

    def note(self, told: dict) -> dict:
        """Keeps what a program told for the list of SDKs."""
        self.told.append(told)
        return told

    def version_of(self, package: str) -> str:
        """The installed version of a package of npm."""
        manifest = prepared() / "node" / "node_modules" / package / "package.json"
        return json.loads(manifest.read_text(encoding="utf-8"))["version"]

    def listed(self) -> list[Listed]:
        """This test's lines of the list."""
        requests = ", ".join(f"{count} {what}" for what, count in sorted(self.reading.requests().items()))
        events = self.reading.events()
        sdks = dict.fromkeys((told["sdk"], told["version"]) for told in self.told)
        return [Listed(self.name, sdk, version, requests or "over gRPC", events) for sdk, version in sdks]


def prepared() -> pathlib.Path:
    """Where the programs and what they need are."""
    made = os.environ.get("EXPOSURE_SENDERS")
    assert made, "EXPOSURE_SENDERS is not set: run `cargo xtask test --only senders`"
    return pathlib.Path(made)


def command_of(language: str, program: str) -> list[str | pathlib.Path]:
    """How a program of a language is run."""
    match language:
        case "node":
            return ["node", prepared() / "node" / program]
        case "python":
            return [prepared() / "python-env" / "bin" / "python", HERE / "python" / program]
        case "go":
            return [prepared() / "go" / program]
        case "java":
            made = prepared() / "java"
            return ["java", "-cp", f"{made / 'classes'}:{made}/*", program]
    raise ValueError(f"programs in {language}")


def wait_while_days_change() -> None:
    """SDKs that evaluate flags name the day in their insert ids: a program must not run into the next."""
    left = DAY_SECONDS - time.time() % DAY_SECONDS
    if left < 20:
        time.sleep(left)


@pytest.fixture
def start_server(tmp_path: pathlib.Path) -> Iterator[Callable[..., Server]]:
    """Starts a server over a data directory of this test; at its end it is stopped."""
    servers: list[Server] = []

    def start(*extra: str) -> Server:
        servers.append(Server(tmp_path / f"data-{len(servers)}", tmp_path / "server.log", *extra))
        return servers[-1].start()

    yield start
    for server in servers:
        if server.process is not None:
            server.stop()


@pytest.fixture
def start_flags() -> Iterator[Callable[..., FlagService]]:
    """Starts services of flags; at the test's end they are closed."""
    services: list[FlagService] = []

    def start(**options) -> FlagService:
        services.append(FlagService(**options))
        return services[-1]

    yield start
    for service in services:
        service.close()


@pytest.fixture
def make_sender(
    request: pytest.FixtureRequest,
    start_flags: Callable[..., FlagService],
    start_server: Callable[..., Server],
) -> Iterator[Callable[..., Sender]]:
    """Starts a server, and gives what a test sends to it with; at the test's end it goes into the list of SDKs."""
    senders: list[Sender] = []

    def make(*extra: str) -> Sender:
        senders.append(Sender(request.node.name, start_server(*extra), start_flags))
        return senders[-1]

    yield make
    LISTED.extend(line for sender in senders for line in sender.listed())


@pytest.fixture
def sender(make_sender: Callable[..., Sender]) -> Sender:
    """A server with an empty data directory, and programs that send to it."""
    return make_sender()


def pytest_terminal_summary(terminalreporter) -> None:
    """The list of SDKs: name, version, requests, events, result."""
    if not LISTED:
        return
    results = {
        report.nodeid.rpartition("::")[2]: outcome
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
    }
    rows = [("SDK", "version", "events", "result", "requests")]
    rows += [(it.sdk, it.version, str(it.events), results.get(it.test, "failed"), it.requests) for it in LISTED]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    terminalreporter.section("senders")
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        terminalreporter.write_line("  ".join([*cells, row[-1]]))
