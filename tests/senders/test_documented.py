"""SDKs that do not run here: of Android, of iOS, and newer experiment SDKs for the JVM than Maven Central has."""

from collections.abc import Callable

import pytest

import documented
from conftest import Sender
from expected import AMPLITUDE, EVALUATED, Expected

pytestmark = pytest.mark.documented


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("sdk", "make", "library"),
    [
        ("Amplitude-Kotlin", documented.android_event, "amplitude-analytics-android/1.16.8"),
        ("Amplitude-Swift", documented.ios_event, "amplitude-swift/1.18.6"),
    ],
    ids=["android", "ios"],
)
def test_phone(sender: Sender, sdk: str, make: Callable[..., dict], library: str, compressed: bool):
    sender.note({"sdk": f"{sdk} (documented)", "version": library.partition("/")[2]})
    steps = documented.story(bad="bad")
    # A phone names a device beside the user, and an id that is too short is refused all the same.
    statuses = documented.upload(sender.server.url, sender.server.api_key, steps, make, compressed=compressed)
    assert statuses == [400, 200]
    Expected(AMPLITUDE, 1, library, "TOO_SHORT").check(sender.reading)


def test_experiment_jvm_server(sender: Sender):
    sender.note({"sdk": "experiment-jvm-server (documented)", "version": "1.8.2"})
    # Its events say no shortest id: what is bad for it is what is no id at all.
    steps = [step for step in documented.story(bad="unknown") if step.flag is not None]
    options = {"min_id_length": 1}
    statuses = documented.upload(
        sender.server.url, sender.server.api_key, steps, documented.jvm_event, options=options
    )
    assert statuses == [400, 200]
    Expected(EVALUATED, 0, "amplitude-java/1.12.3", "INVALID", flip="b").check(sender.reading)
