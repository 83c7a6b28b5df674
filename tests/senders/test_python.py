"""SDKs of PyPI."""

import pytest

import crashes
import expected
from conftest import Sender

pytestmark = pytest.mark.python


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("python", "amplitude_analytics.py")
    assert sorted(told["codes"]) == [200] * 14 + [400]
    expected.check(sender.reading, rejected="TOO_SHORT", in_order=False)
    library = f"amplitude-python/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1


def test_amplitude_experiment(sender: Sender):
    sender.tell("python", "amplitude_experiment_server.py", flags=sender.start_flags().url)
    expected.check(sender.reading, rejected="TOO_SHORT", flip="b", flip_duplicates=1, in_order=False)
    (library,) = {library for _, _, library in sender.reading.usage()}
    assert library.startswith("amplitude-python/")
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 9,
        ("assignment", "[Experiment] Assignment", library): 1,
    }
    assert sender.reading.billable() == 0


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


@pytest.mark.parametrize("gzip", [(), ("gzip",)])
def test_segment(sender: Sender, gzip: tuple[str, ...]):
    told = sender.tell("python", "segment_analytics.py", *gzip)
    assert told["failures"] == []
    expected.check(sender.reading, rejected="MISSING")
    library = f"analytics-python/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "Order Completed", library): 1,
    }
    assert sender.reading.billable() == 1


def test_rudder(sender: Sender):
    told = sender.tell("python", "rudder.py")
    assert told["failures"] == []
    expected.check(sender.reading, rejected="MISSING")
    library = f"analytics-python/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "Order Completed", library): 1,
    }
    assert sender.reading.billable() == 1


def test_posthog(sender: Sender):
    """One host answers its flags and takes its events: a gateway divides them. Each read is told of by two events."""
    told = sender.tell("python", "posthog_flags.py", url=sender.start_flags(upstream=sender.server.http).url)
    assert told["failures"] == []
    expected.check(sender.reading, rejected="MISSING", cannot={"unset"})
    library = f"posthog-python/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 9,
        ("alias", "$alias", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_openfeature(sender: Sender, protocol: str):
    url = f"http://{sender.server.grpc}" if protocol == "grpc" else None
    sender.tell("python", "openfeature_otlp.py", protocol, url=url)
    expected.check(sender.reading, rejected="TOO_LONG", cannot={"unset", "duplicate", "anonymous"})
    (library,) = {library for _, _, library in sender.reading.usage()}
    assert library.startswith("opentelemetry/")
    assert sender.reading.usage() == {("exposure", "[Experiment] Exposure", library): 6}
    assert sender.reading.billable() == 0
