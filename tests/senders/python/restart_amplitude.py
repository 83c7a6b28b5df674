"""amplitude-analytics through crashes of the server: tells which exposures it was told are delivered."""

from amplitude import Amplitude, BaseEvent, Config

import story
from story import KEY, MORE, URL

EXPOSURES = int(MORE[0])
# Longer than the SDK ever waits between two attempts here.
QUIET_MS = 3000
TOLD: list[tuple[str, int]] = []

client = Amplitude(
    KEY,
    Config(
        server_url=f"{URL}/2/httpapi",
        flush_interval_millis=50,
        flush_queue_size=10,
        callback=lambda event, code, message=None: TOLD.append((event.user_id, code)),
    ),
)
PROPERTIES = {"flag_key": "checkout", "variant": "treatment"}
for number in range(EXPOSURES):
    client.track(BaseEvent("$exposure", user_id=f"restart-user-{number}", event_properties=PROPERTIES))
    story.pause(8)
# Of an upload whose connection breaks before its answer, this SDK tells nothing, and does not send it again.
quiet = 0
while len(TOLD) < EXPOSURES and quiet < QUIET_MS:
    before = len(TOLD)
    story.pause(20)
    quiet = quiet + 20 if len(TOLD) == before else 0
client.shutdown()
story.report(
    "amplitude-analytics",
    delivered=[user for user, code in TOLD if code == 200],
    codes=sorted({code for _, code in TOLD}),
)
