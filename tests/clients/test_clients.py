"""The programs that docs/clients.md shows, against a running server.

`cargo xtask test` builds them as the document says, in a directory that EXPOSURE_CLIENTS names.
"""

import os
import pathlib
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from exposure_process import Server

PROGRAM_SECONDS = 120
# How each program is run; the document shows the same.
COMMANDS = {
    "python": "python track.py",
    "node": "node track.js",
    "go": "./track",
    "java": "java -cp 'target/classes:target/dependency/*' Track",
}

languages = pytest.mark.parametrize("language", [pytest.param(it, marks=getattr(pytest.mark, it)) for it in COMMANDS])


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[Server]:
    """A running server with an empty data directory."""
    server = Server(tmp_path / "data", tmp_path / "server.log").start()
    yield server
    server.stop()


def run(language: str, server: Server, key: str) -> subprocess.CompletedProcess:
    """Runs the program of a language to its end."""
    made = os.environ.get("EXPOSURE_CLIENTS")
    assert made, "EXPOSURE_CLIENTS is not set: run `cargo xtask test --only clients`"
    # `python` is the one of these tests.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        shlex.split(COMMANDS[language]),
        cwd=pathlib.Path(made) / language,
        env=os.environ | {"SERVER": server.grpc, "KEY": key, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
    )


def ask(server: Server, path: str, **params: str) -> dict:
    """Asks the server over HTTP, which none of the programs speaks."""
    answer = requests.get(f"{server.url}/v1/{path}", params, headers=server.headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@languages
def test_program_tracks_and_reads_back(language: str, server: Server):
    done = run(language, server, server.api_key)
    assert done.returncode == 0, done.stderr
    why = ask(server, "explain", user_id="user-1", flag_key="checkout")
    decided_by = why["decided_by"]
    assert decided_by["library"] == f"track-{language}/1"
    assert done.stdout.splitlines() == [
        "checkout: accepted EFFECT_KIND_SET",
        "banner: accepted EFFECT_KIND_SAME",
        "checkout: duplicate",
        "banner: duplicate",
        "user-1 has checkout=treatment",
        f"checkout is treatment by {decided_by['insert_id']} of track-{language}/1",
    ]
    assert why["duplicates"]["count"] == 2
    assert not any(it.get("conflict") for it in why["duplicates"]["last"]), "what was sent again was another event"
    assert why["lost"] == []
    unset = ask(server, "explain", user_id="user-1", flag_key="banner")
    assert unset.get("variant") is None and unset["decided_by"].get("variant") is None
    assert unset["decided_by"]["insert_id"] not in {None, "", decided_by["insert_id"]}


@languages
def test_program_fails_with_a_key_that_is_none(language: str, server: Server):
    done = run(language, server, "exp_none")
    assert done.returncode == 1, done.stdout
    assert "unauthenticated" in done.stderr.lower(), done.stderr
    assert done.stdout == ""
