"""SDKs of PyPI."""

import pytest

import expected
from conftest import Sender

pytestmark = pytest.mark.python


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("python", "amplitude_analytics.py")
    assert sorted(told["codes"]) == [200] * 14 + [400]
    expected.check(sender.reading)
    library = f"amplitude-python/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
    }
    assert sender.reading.billable() == 1


def test_amplitude_experiment(sender: Sender):
    sender.tell("python", "amplitude_experiment_server.py", flags=sender.start_flags().url)
    expected.check(sender.reading, flip="b", flip_duplicates=1, in_order=False)
    (library,) = {library for _, _, library in sender.reading.usage()}
    assert library.startswith("amplitude-python/")
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 9,
        ("assignment", "[Experiment] Assignment", library): 1,
    }
    assert sender.reading.billable() == 0
