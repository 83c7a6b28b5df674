"""SDKs of npm under node."""

import pytest

import crashes
from conftest import Sender
from expected import AMPLITUDE, EVALUATED, EXPOSURE, SEGMENT, Expected

pytestmark = pytest.mark.node


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("node", "amplitude-analytics.mjs")
    # The upload is refused once for the bad id; what was good of it comes again, and is told as delivered.
    assert sorted(told["codes"]) == [200] * 14 + [400]
    assert sender.reading.requests() == {"/2/httpapi 400": 1, "/2/httpapi 2xx": 1}
    Expected(AMPLITUDE, 1, f"amplitude-node-ts/{told['version']}", "TOO_SHORT").check(sender.reading)


def test_amplitude_experiment_server(sender: Sender):
    sender.tell("node", "amplitude-experiment-server.mjs", flags=sender.start_flags().url)
    # Its insert ids name user, variants and day: a variant seen again on a day is a duplicate, and b stays.
    library = f"amplitude-node-ts/{sender.version_of('@amplitude/analytics-node')}"
    Expected(EVALUATED, 0, library, "TOO_SHORT", flip="b", in_order=False).check(sender.reading)


def test_amplitude_react_native(sender: Sender):
    told = sender.tell("node", "react-native.mjs", flags=sender.start_flags().url)
    # Exposures that reading a variant tracks have no promise of their own.
    assert sorted(told["codes"]) == [200] * 4 + [400]
    library = f"amplitude-react-native-ts/{sender.version_of('@amplitude/analytics-react-native')}"
    Expected(AMPLITUDE, 1, library, "TOO_SHORT").check(sender.reading)


def test_amplitude_before_analytics(sender: Sender):
    told = sender.tell("node", "amplitude-legacy.mjs")
    # It tells the first answer to an upload, though it sends what was good of it again.
    assert told["codes"] == [400] * 15
    # Without times of its own, an upload's events stand in their order in it.
    Expected(AMPLITUDE, 1, f"amplitude-node/{told['version']}", "TOO_SHORT", in_order=False).check(sender.reading)


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
    Expected(SEGMENT, 1, f"@segment/analytics-node/{told['version']}", "MISSING").check(sender.reading)


def test_rudder(sender: Sender):
    told = sender.tell("node", "rudder.mjs")
    assert told["failures"] == []
    Expected(SEGMENT, 1, f"analytics-node/{told['version']}", "MISSING").check(sender.reading)


def test_posthog(sender: Sender):
    """One host answers its flags and takes its events: a gateway divides them."""
    told = sender.tell("node", "posthog.mjs", url=sender.start_flags(upstream=sender.server.http).url)
    assert told["failures"] == []
    usage = {EXPOSURE: 9, ("alias", "$alias"): 1, ("track", "purchase"): 1}
    # No response of a flag means that a user left an experiment.
    cannot = frozenset({"unset"})
    Expected(usage, 1, f"posthog-node/{told['version']}", "MISSING", cannot).check(sender.reading)


@pytest.mark.parametrize("carrier", ["logs-json", "logs-proto", "logs-grpc", "spans-json", "span-events-proto"])
def test_openfeature(sender: Sender, carrier: str):
    url = f"http://{sender.server.grpc}" if carrier == "logs-grpc" else None
    sender.tell("node", "openfeature.mjs", carrier, url=url)
    library = f"opentelemetry/{sender.version_of('@opentelemetry/sdk-trace-base')}"
    # An evaluation always has a variant, and each of them is another event.
    cannot = frozenset({"unset", "duplicate"})
    Expected({EXPOSURE: 8}, 0, library, "TOO_LONG", cannot).check(sender.reading)


def test_growthbook_plugin(sender: Sender):
    told = sender.tell("node", "growthbook.mjs", "plugin", flags=sender.start_flags().url)
    # Whatever is evaluated is told of beside the exposures; the bad one too.
    usage = {EXPOSURE: 8, ("track", "Feature Evaluated"): 9}
    # An experiment always has a variation, and its events have no id of the customer's choice.
    cannot = frozenset({"unset", "duplicate"})
    Expected(usage, 9, f"growthbook-js/{told['version']}", "TOO_LONG", cannot).check(sender.reading)


def test_growthbook_into_segment(sender: Sender):
    sender.tell("node", "growthbook.mjs", "segment", flags=sender.start_flags().url)
    library = f"@segment/analytics-node/{sender.version_of('@segment/analytics-node')}"
    cannot = frozenset({"unset", "duplicate"})
    Expected({EXPOSURE: 8}, 0, library, "TOO_LONG", cannot).check(sender.reading)
