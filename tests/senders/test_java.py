"""SDKs of Maven Central, over TLS: they speak nothing else."""

import pathlib
from collections.abc import Callable

import pytest

import expected
from certificate import Certificate
from conftest import Sender

pytestmark = pytest.mark.java

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
    expected.check(sender.reading, rejected="TOO_SHORT", in_order=False)
    (library,) = {library for _, _, library in sender.reading.usage()}
    assert library.startswith("amplitude-java/")
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1
