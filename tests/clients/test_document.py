"""docs/clients.md shows the files of this directory, and how they are run."""

import re

import pytest

from exposure_process import ROOT
from test_clients import COMMANDS

pytestmark = pytest.mark.document

CLIENTS = ROOT / "tests" / "clients"
DOCUMENT = ROOT / "docs" / "clients.md"
# A line that ends with a link to a file, and then what is quoted of it.
QUOTED = re.compile(r"\]\(\.\./(tests/clients/\S+)\):\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Read by tools, or of no use to a reader.
UNQUOTED = {"package-lock.json", "go.sum", ".npmrc"}


def test_the_document_quotes_every_file_as_it_is():
    text = DOCUMENT.read_text(encoding="utf-8")
    quoted = dict(QUOTED.findall(text))
    files = [path for it in COMMANDS for path in (CLIENTS / it).rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if path.name not in UNQUOTED}
    assert quoted.keys() == wanted
    assert text.count("](../tests/clients/") == len(quoted), "every such link is followed by the file's text"
    for name, block in quoted.items():
        assert block == (ROOT / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_the_document_shows_how_a_program_is_run(command: str):
    assert f"\n{command}\n" in DOCUMENT.read_text(encoding="utf-8")
