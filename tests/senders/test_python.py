"""SDKs of PyPI."""

import pytest

import crashes
from conftest import Sender
from expected import AMPLITUDE, EVALUATED, EXPOSURE, SEGMENT, Expected

pytestmark = pytest.mark.python

ANALYTICS = "amplitude-python/1.3.0"


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("python", "amplitude_analytics.py")
    assert f"amplitude-python/{told['version']}" == ANALYTICS
    assert sorted(told["codes"]) == [200] * 14 + [400]
    Expected(AMPLITUDE, 1, ANALYTICS, "TOO_SHORT", in_order=False).check(sender.reading)


def test_amplitude_experiment(sender: Sender):
    sender.tell("python", "amplitude_experiment_server.py", flags=sender.start_flags().url)
    Expected(EVALUATED, 0, ANALYTICS, "TOO_SHORT", flip="b", in_order=False).check(sender.reading)


def test_amplitude_analytics_survives_crashes(sender: Sender):
    """Behind a gateway, as servers mostly are: it answers 503 while the server is down, which the SDK tries again."""
    gateway = sender.start_flags(upstream=sender.server.http)
    telling = sender.start("python", "restart_amplitude.py", str(crashes.EXPOSURES), url=gateway.url)
    told, there = crashes.survive(sender, telling)
    assert told["codes"] == [200]
    assert len(there) == len(told["delivered"]) == crashes.EXPOSURES
    assert set(gateway.statuses) & {502, 503}, "no upload met a server that was down"


def test_amplitude_analytics_keeps_what_was_delivered_through_crashes(sender: Sender):
    """Without a gateway, this SDK loses an upload whose connection breaks before its answer; others it repeats."""
    telling = sender.start("python", "restart_amplitude.py", str(crashes.EXPOSURES))
    told, there = crashes.survive(sender, telling)
    assert told["codes"] == [200]
    assert set(told["delivered"]) <= there, "what was told as delivered is lost"


@pytest.mark.parametrize("gzip", [(), ("gzip",)], ids=["plain", "gzip"])
def test_segment(sender: Sender, gzip: tuple[str, ...]):
    told = sender.tell("python", "segment_analytics.py", *gzip)
    assert told["failures"] == []
    Expected(SEGMENT, 1, f"analytics-python/{told['version']}", "MISSING").check(sender.reading)


def test_rudder(sender: Sender):
    told = sender.tell("python", "rudder.py")
    assert told["failures"] == []
    Expected(SEGMENT, 1, f"analytics-python/{told['version']}", "MISSING").check(sender.reading)


def test_posthog(sender: Sender):
    """One host answers its flags and takes its events: a gateway divides them. Each read is told of by two events."""
    told = sender.tell("python", "posthog_flags.py", url=sender.start_flags(upstream=sender.server.http).url)
    assert told["failures"] == []
    usage = {EXPOSURE: 9, ("alias", "$alias"): 1, ("track", "purchase"): 1}
    # No response of a flag means that a user left an experiment.
    cannot = frozenset({"unset"})
    Expected(usage, 1, f"posthog-python/{told['version']}", "MISSING", cannot).check(sender.reading)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_openfeature(sender: Sender, protocol: str):
    url = f"http://{sender.server.grpc}" if protocol == "grpc" else None
    told = sender.tell("python", "openfeature_otlp.py", protocol, url=url)
    # An evaluation always has a variant, each of them is another event, and there is no place for a device.
    cannot = frozenset({"unset", "duplicate", "anonymous"})
    Expected({EXPOSURE: 6}, 0, f"opentelemetry/{told['sdk_version']}", "TOO_LONG", cannot).check(sender.reading)
