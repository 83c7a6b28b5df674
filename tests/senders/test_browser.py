"""SDKs of npm in a page of headless Chromium: preflights, text without one, and what is sent when a page is left."""

import pytest

from conftest import Sender
from expected import AMPLITUDE, EXPOSURE, SEGMENT, Expected

pytestmark = pytest.mark.browser


def test_amplitude(sender: Sender):
    told = sender.tell("node", "browser.mjs", "amplitude", flags=sender.start_flags().url)
    # Exposures that reading a variant tracks have no promise of their own.
    assert sorted(told["codes"]) == [200] * 4 + [400]
    usage = AMPLITUDE | {("track", "left"): 1}
    # Nobody hears whether the last event came.
    sender.reading.wait_for_events(sum(usage.values()))
    Expected(usage, 2, f"amplitude-ts/{told['version']}", "TOO_SHORT").check(sender.reading)


def test_amplitude_before_analytics(sender: Sender):
    told = sender.tell("node", "browser.mjs", "amplitude-legacy")
    # What a 400 refuses it would send again for ever, with all that is good beside the bad: there is none.
    assert told["codes"] == [200] * 12
    usage = AMPLITUDE | {EXPOSURE: 10}
    cannot = frozenset({"duplicate"})
    Expected(usage, 1, f"amplitude-js/{told['version']}", "TOO_SHORT", cannot).check(sender.reading)


def test_segment(sender: Sender):
    told = sender.tell("node", "browser.mjs", "segment", flags=sender.start_flags().url)
    # Its user is a state, and each change of it an identify.
    usage = SEGMENT | {("identify", "$identify"): 9}
    Expected(usage, 1, f"analytics.js/npm:next-{told['version']}", "MISSING").check(sender.reading)
