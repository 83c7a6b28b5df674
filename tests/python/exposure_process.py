"""A built `exposure serve` as a child process, on free loopback ports."""

import os
import pathlib
import socket
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
API_KEY = "python-tests-key-0123456789"
START_SECONDS = 60
STOP_SECONDS = 60


def binary() -> pathlib.Path:
    """The binary under test: EXPOSURE_BIN, or the one of a plain `cargo build`."""
    path = pathlib.Path(os.environ.get("EXPOSURE_BIN") or ROOT / "target" / "debug" / "exposure")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not built: run `cargo build -p exposure-server` or set EXPOSURE_BIN")
    return path


def environment() -> dict[str, str]:
    """The environment without settings of our own, which would reach into the server under test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")}


def run(*args: str, timeout: float = 60) -> subprocess.CompletedProcess:
    """Runs the binary to its end and gives its exit code and output."""
    return subprocess.run(
        [binary(), *args],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; all held at once, so that no two are the same."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()


class Server:
    """One server over one data directory. May be stopped or killed, and started again over the same data."""

    def __init__(self, data_dir: pathlib.Path, log: pathlib.Path, *extra: str, api_key: str = API_KEY):
        self.data_dir, self.log, self.extra, self.api_key = data_dir, log, extra, api_key
        self.process: subprocess.Popen | None = None
        self.grpc = self.http = ""

    @property
    def url(self) -> str:
        """Where HTTP answers."""
        return f"http://{self.http}"

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP request with our key carries."""
        return {"authorization": f"Bearer {self.api_key}"}

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """What a gRPC call with our key carries."""
        return list(self.headers.items())

    def start(self, *, same_ports: bool = False) -> "Server":
        """Starts the process and waits until it is ready; at other ports than before, unless told otherwise."""
        assert self.process is None, "already started"
        if not same_ports:
            grpc_port, http_port = free_ports(2)
            self.grpc, self.http = f"127.0.0.1:{grpc_port}", f"127.0.0.1:{http_port}"
        args = ["serve", "--data-dir", str(self.data_dir), "--grpc", self.grpc, "--http", self.http]
        args += ["--api-key", self.api_key, *self.extra]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), *args], env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            code = self.process.poll()
            if code is not None:
                raise RuntimeError(f"the server ended with code {code} before it was ready:\n{self.output()}")
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"the server was not ready after {START_SECONDS} s:\n{self.output()}")

    def stop(self) -> int:
        """Asks the process to end (SIGTERM), waits for it, and gives its exit code."""
        self.process.terminate()
        return self._reap()

    def kill(self) -> int:
        """Ends the process at once (SIGKILL), as a crash would, and gives its exit code."""
        self.process.kill()
        return self._reap()

    def _reap(self) -> int:
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise
        self.process = None
        return code

    def output(self) -> str:
        """All that the server has written to its log so far, over all its starts."""
        return self.log.read_text(errors="replace")
