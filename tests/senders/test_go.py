"""SDKs that are Go modules."""

import pytest

from conftest import Sender
from expected import AMPLITUDE, EVALUATED, SEGMENT, Expected

pytestmark = pytest.mark.go

ANALYTICS = "amplitude-go/1.0.1"


def test_amplitude_analytics(sender: Sender):
    told = sender.tell("go", "amplitude-analytics")
    assert f"amplitude-go/{told['version'].removeprefix('v')}" == ANALYTICS
    assert sorted(told["codes"]) == [200] * 14 + [400]
    Expected(AMPLITUDE, 1, ANALYTICS, "TOO_SHORT", in_order=False).check(sender.reading)


def test_amplitude_experiment(sender: Sender):
    told = sender.tell("go", "amplitude-experiment", flags=sender.start_flags().url)
    assert sorted(told["codes"]) == [200] * 12 + [400]
    Expected(EVALUATED, 0, ANALYTICS, "TOO_SHORT", flip="b", in_order=False).check(sender.reading)


def test_segment(sender: Sender):
    told = sender.tell("go", "segment")
    assert told["codes"] == [200] * 15
    # What this SDK calls itself is a constant of its own.
    Expected(SEGMENT, 1, "analytics-go/3.0.0", "MISSING").check(sender.reading)
