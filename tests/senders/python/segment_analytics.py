"""segment-analytics-python: exposures as Amplitude's documentation has them tracked through Segment."""

from segment.analytics.client import Client

import story
from story import KEY, MORE, URL, Who

FAILURES: list[str] = []


class Adapter:
    def __init__(self):
        self.client = Client(
            KEY,
            host=URL,
            gzip="gzip" in MORE,
            upload_interval=1,
            on_error=lambda error, _: FAILURES.append(str(error)),
        )

    def expose(self, who: Who, flag: str, variant: str | None, insert_id: str | None = None) -> None:
        properties = {"flag_key": flag} | ({"variant": variant} if variant else {})
        self._track(who, "$exposure", properties, insert_id)

    def identify(self, who: Who) -> None:
        self.client.identify(user_id=who.user, anonymous_id=who.device, traits={"plan": "pro"})

    def purchase(self, who: Who) -> None:
        self._track(who, "Order Completed", {"revenue": 1})

    def bad(self, who: Who) -> None:
        self._track(who, "$exposure", {"variant": "treatment"})

    def _track(self, who: Who, event: str, properties: dict, message_id: str | None = None) -> None:
        self.client.track(
            user_id=who.user, anonymous_id=who.device, event=event, properties=properties, message_id=message_id
        )


adapter = Adapter()
story.tell(adapter)
adapter.client.shutdown()
story.report("segment-analytics-python", failures=FAILURES)
