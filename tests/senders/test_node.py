"""SDKs of npm under node."""

import pytest

import crashes
import expected
from conftest import Sender

pytestmark = pytest.mark.node


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("node", "amplitude-analytics.mjs")
    # The upload is refused once for the bad id; what was good of it comes again, and is told as delivered.
    assert sorted(told["codes"]) == [200] * 14 + [400]
    expected.check(sender.reading, rejected="TOO_SHORT")
    library = f"amplitude-node-ts/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1
    assert sender.reading.requests() == {"/2/httpapi 400": 1, "/2/httpapi 2xx": 1}


def test_amplitude_experiment_server(sender: Sender):
    told = sender.tell("node", "amplitude-experiment-server.mjs", flags=sender.start_flags().url)
    # Its insert ids name user, variants and day: a variant seen again on a day is a duplicate, and b stays.
    expected.check(sender.reading, rejected="TOO_SHORT", flip="b", flip_duplicates=1, in_order=False)
    library = f"amplitude-node-ts/{sender.version_of('@amplitude/analytics-node')}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 9,
        ("assignment", "[Experiment] Assignment", library): 1,
    }
    assert sender.reading.billable() == 0
    assert told["version"]


def test_amplitude_react_native(sender: Sender):
    told = sender.tell("node", "react-native.mjs", flags=sender.start_flags().url)
    # Exposures that reading a variant tracks have no promise of their own.
    assert sorted(told["codes"]) == [200] * 4 + [400]
    expected.check(sender.reading, rejected="TOO_SHORT")
    library = f"amplitude-react-native-ts/{sender.version_of('@amplitude/analytics-react-native')}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1


def test_amplitude_analytics_survives_crashes(sender: Sender):
    """Behind a gateway, as servers mostly are: it answers 503 while the server is down, which the SDK tries again."""
    gateway = sender.start_flags(upstream=sender.server.http)
    telling = sender.start("node", "restart-amplitude.mjs", str(crashes.EXPOSURES), url=gateway.url)
    told, there = crashes.survive(sender, telling)
    assert told["codes"] == [200]
    assert len(there) == len(told["delivered"]) == crashes.EXPOSURES
    assert set(gateway.statuses) & {502, 503}, "no upload met a server that was down"


def test_amplitude_analytics_keeps_what_was_delivered_through_crashes(sender: Sender):
    """Without a gateway, this SDK drops an upload whose connection fails, and says so by code 0."""
    telling = sender.start("node", "restart-amplitude.mjs", str(crashes.EXPOSURES))
    told, there = crashes.survive(sender, telling, crashes=1)
    assert set(told["codes"]) <= {0, 200}
    assert set(told["delivered"]) <= there, "what was told as delivered is lost"


def test_segment_survives_crashes(sender: Sender):
    telling = sender.start("node", "restart-segment.mjs", str(crashes.EXPOSURES))
    told, there = crashes.survive(sender, telling)
    assert told["failed"] == []
    assert len(there) == len(told["delivered"]) == crashes.EXPOSURES


def test_segment(sender: Sender):
    told = sender.tell("node", "segment.mjs")
    assert told["failures"] == []
    expected.check(sender.reading, rejected="MISSING")
    library = f"@segment/analytics-node/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "Order Completed", library): 1,
    }
    assert sender.reading.billable() == 1


def test_rudder(sender: Sender):
    told = sender.tell("node", "rudder.mjs")
    assert told["failures"] == []
    expected.check(sender.reading, rejected="MISSING")
    library = f"analytics-node/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "Order Completed", library): 1,
    }
    assert sender.reading.billable() == 1


def test_posthog(sender: Sender):
    """One host answers its flags and takes its events: a gateway divides them."""
    told = sender.tell("node", "posthog.mjs", url=sender.start_flags(upstream=sender.server.http).url)
    assert told["failures"] == []
    expected.check(sender.reading, rejected="MISSING", cannot={"unset"})
    library = f"posthog-node/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 9,
        ("alias", "$alias", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1


@pytest.mark.parametrize("carrier", ["logs-json", "logs-proto", "logs-grpc", "spans-json", "span-events-proto"])
def test_openfeature(sender: Sender, carrier: str):
    url = f"http://{sender.server.grpc}" if carrier == "logs-grpc" else None
    sender.tell("node", "openfeature.mjs", carrier, url=url)
    expected.check(sender.reading, rejected="TOO_LONG", cannot={"unset", "duplicate"})
    library = f"opentelemetry/{sender.version_of('@opentelemetry/sdk-trace-base')}"
    assert sender.reading.usage() == {("exposure", "[Experiment] Exposure", library): 8}
    assert sender.reading.billable() == 0


def test_growthbook_plugin(sender: Sender):
    told = sender.tell("node", "growthbook.mjs", "plugin", flags=sender.start_flags().url)
    # What the plugin names a device is the attribute that assigns: of these users, their own id.
    expected.check(sender.reading, rejected="TOO_LONG", cannot={"unset", "duplicate"})
    library = f"growthbook-js/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 8,
        ("track", "Feature Evaluated", library): 9,
    }
    assert sender.reading.billable() == 9


def test_growthbook_into_segment(sender: Sender):
    sender.tell("node", "growthbook.mjs", "segment", flags=sender.start_flags().url)
    expected.check(sender.reading, rejected="TOO_LONG", cannot={"unset", "duplicate"})
    library = f"@segment/analytics-node/{sender.version_of('@segment/analytics-node')}"
    assert sender.reading.usage() == {("exposure", "[Experiment] Exposure", library): 8}
    assert sender.reading.billable() == 0
