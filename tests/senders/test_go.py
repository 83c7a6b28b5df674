"""SDKs that are Go modules."""

import pytest

import expected
from conftest import Sender

pytestmark = pytest.mark.go


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("go", "amplitude-analytics")
    assert sorted(told["codes"]) == [200] * 14 + [400]
    expected.check(sender.reading, rejected="TOO_SHORT", in_order=False)
    library = f"amplitude-go/{told['version'].removeprefix('v')}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1


def test_amplitude_experiment(sender: Sender):
    told = sender.tell("go", "amplitude-experiment", flags=sender.start_flags().url)
    assert sorted(told["codes"]) == [200] * 12 + [400]
    expected.check(sender.reading, rejected="TOO_SHORT", flip="b", flip_duplicates=1, in_order=False)
    (library,) = {library for _, _, library in sender.reading.usage()}
    assert library.startswith("amplitude-go/")
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 9,
        ("assignment", "[Experiment] Assignment", library): 1,
    }
    assert sender.reading.billable() == 0


def test_segment(sender: Sender):
    told = sender.tell("go", "segment")
    assert told["codes"] == [200] * 15
    expected.check(sender.reading, rejected="MISSING")
    # What the SDK calls itself is a constant of its own.
    library = "analytics-go/3.0.0"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "Order Completed", library): 1,
    }
    assert sender.reading.billable() == 1
