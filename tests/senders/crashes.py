"""A sender whose server is killed and started again, at the same ports and over the same data, while it sends."""

import time

from conftest import Sender, Telling
from exposure_process import Server
from reading import Reading

CRASHES = 3
EXPOSURES = 300
# Exposures between two crashes: some uploads are answered, and most are still to come.
APART = 50
DOWN_SECONDS = 0.3
WAIT_SECONDS = 60


def survive(sender: Sender, telling: Telling, crashes: int = CRASHES) -> tuple[dict, set[str]]:
    """Crashes the server while a program sends EXPOSURES; gives what the program told, and whose exposure is there."""
    seen = 0
    for _ in range(crashes):
        seen = wait_for_more(sender.reading, telling, seen + APART)
        sender.reading.requests_before = sender.reading.requests()
        crash(sender.server)
    told = sender.note(telling.end())
    return told, stored(sender.reading)


def crash(server: Server) -> None:
    """SIGKILL, and a start after a while."""
    server.kill()
    time.sleep(DOWN_SECONDS)
    server.start(same_ports=True)


def wait_for_more(reading: Reading, telling: Telling, wanted: int) -> int:
    """Waits until so many events are there while the program still sends."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := reading.events()) < wanted:
        assert telling.process.poll() is None, f"the program ended with {found} events there: {telling.end()}"
        assert time.monotonic() < deadline, f"{found} of {wanted} events came"
        time.sleep(0.01)
    return found


def stored(reading: Reading) -> set[str]:
    """Users whose exposure is there; each of them once, by every count the server has."""
    users = {f"restart-user-{number}" for number in range(EXPOSURES)}
    there = {user for user in users if reading.properties(user_id=user)[1] == {"checkout": "treatment"}}
    assert reading.flags() == {"checkout": {"treatment": (len(there), len(there))}}, "an exposure is there twice"
    assert reading.events() == len(there)
    return there
