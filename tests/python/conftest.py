"""Fixtures: a running server, and stubs made from our own .proto files."""

import pathlib
import sys
from collections.abc import Callable, Iterator
from importlib import import_module, resources
from types import SimpleNamespace

import pytest
from grpc_tools import protoc

from exposure_client import Client
from exposure_process import ROOT, Server


@pytest.fixture
def start_server(tmp_path: pathlib.Path) -> Iterator[Callable[..., Server]]:
    """Starts servers over data directories of this test; whatever still runs at its end is stopped."""
    servers: list[Server] = []

    def start(*extra: str, data_dir: pathlib.Path | None = None, **options: str) -> Server:
        number = len(servers)
        server = Server(data_dir or tmp_path / f"data-{number}", tmp_path / f"server-{number}.log", *extra, **options)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        if server.process is not None:
            server.stop()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """One running server with an empty data directory."""
    return start_server()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server for all tests of a module; each works in a project of its own."""
    directory = tmp_path_factory.mktemp("shared")
    server = Server(directory / "data", directory / "server.log").start()
    yield server
    server.stop()


@pytest.fixture
def client(server: Server, stubs: SimpleNamespace) -> Iterator[Client]:
    """A client of the test's own server."""
    with Client(stubs, server.grpc, server.api_key) as client:
        yield client


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The generated modules of exposure.v1 by name: `stubs.ingest_pb2`, `stubs.ingest_pb2_grpc`, …"""
    protos = ROOT / "proto"
    files = sorted(path.relative_to(protos).as_posix() for path in (protos / "exposure" / "v1").glob("*.proto"))
    assert files, "no .proto files under proto/exposure/v1"
    out = tmp_path_factory.mktemp("stubs")
    well_known = resources.files("grpc_tools") / "_proto"
    args = ["protoc", f"-I{protos}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}", *files]
    assert protoc.main(args) == 0, "protoc rejected the .proto files: see its output above"
    sys.path.insert(0, str(out))
    modules = [path.relative_to(out).with_suffix("") for path in out.rglob("*.py")]
    return SimpleNamespace(**{module.name: import_module(".".join(module.parts)) for module in modules})
