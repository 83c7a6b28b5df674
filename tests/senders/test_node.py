"""SDKs of npm under node."""

import pytest

import expected
from conftest import Sender

pytestmark = pytest.mark.node


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("node", "amplitude-analytics.mjs")
    # The upload is refused once for the bad id; what was good of it comes again, and is told as delivered.
    assert sorted(told["codes"]) == [200] * 14 + [400]
    expected.check(sender.reading)
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
    expected.check(sender.reading, flip="b", flip_duplicates=1, in_order=False)
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
    expected.check(sender.reading)
    library = f"amplitude-react-native-ts/{sender.version_of('@amplitude/analytics-react-native')}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1
