"""SDKs of Maven Central, over TLS: they speak nothing else."""

import pathlib
from collections.abc import Callable

import pytest

from certificate import Certificate
from conftest import Sender
from expected import AMPLITUDE, Expected

pytestmark = pytest.mark.java

# What java-sdk 1.12.3 calls itself.
LIBRARY = "amplitude-java/1.12.3"

Tls = tuple[Sender, dict]


@pytest.fixture
def tls(make_sender: Callable[..., Sender], tmp_path: pathlib.Path) -> Tls:
    """A server with a certificate, and what a program that trusts it is started with."""
    certificate = Certificate(tmp_path)
    sender = make_sender(*certificate.serve)
    url = sender.server.url.replace("http://", "https://")
    options = {"url": url, "flags": sender.start_flags().url, "environment": {"JAVA_TOOL_OPTIONS": certificate.java}}
    return sender, options


@pytest.mark.parametrize("program", ["AmplitudeAnalytics", "AmplitudeExperiment"])
def test_amplitude(tls: Tls, program: str):
    sender, options = tls
    told = sender.tell("java", program, **options)
    assert sorted(told["codes"]) == [200] * 14 + [400]
    Expected(AMPLITUDE, 1, LIBRARY, "TOO_SHORT", in_order=False).check(sender.reading)
