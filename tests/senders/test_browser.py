"""SDKs of npm in a page of headless Chromium: preflights, text without one, and what is sent when a page is left."""

import pytest

import expected
from conftest import Sender

pytestmark = pytest.mark.browser


def test_amplitude(sender: Sender):
    told = sender.tell("node", "browser.mjs", "amplitude", flags=sender.start_flags().url)
    # Exposures that reading a variant tracks have no promise of their own.
    assert sorted(told["codes"]) == [200] * 4 + [400]
    sender.reading.wait_for_events(14)
    expected.check(sender.reading, rejected="TOO_SHORT")
    library = f"amplitude-ts/{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 1,
        ("track", "purchase", library): 1,
        ("track", "left", library): 1,
    }
    assert sender.reading.billable() == 2


def test_segment(sender: Sender):
    told = sender.tell("node", "browser.mjs", "segment", flags=sender.start_flags().url)
    expected.check(sender.reading, rejected="MISSING")
    library = f"analytics.js/npm:next-{told['version']}"
    assert sender.reading.usage() == {
        ("exposure", "[Experiment] Exposure", library): 11,
        ("identify", "$identify", library): 9,
        ("track", "Order Completed", library): 1,
    }
    assert sender.reading.billable() == 1
