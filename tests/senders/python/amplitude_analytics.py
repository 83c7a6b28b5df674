"""amplitude-analytics: exposures tracked by hand, and a property set by an identify."""

from amplitude import Amplitude, BaseEvent, Config, EventOptions, Identify

import story
from story import KEY, URL, Who

CODES: list[int] = []


class Adapter:
    def __init__(self):
        told = lambda event, code, message=None: CODES.append(code)  # noqa: E731
        config = Config(server_url=f"{URL}/2/httpapi", flush_interval_millis=200, callback=told)
        self.client = Amplitude(KEY, config)

    def expose(self, who: Who, flag: str, variant: str | None, insert_id: str | None = None) -> None:
        properties = {"flag_key": flag} | ({"variant": variant} if variant else {})
        self._track(who, "$exposure", properties, insert_id)

    def identify(self, who: Who) -> None:
        identify = Identify()
        identify.set("plan", "pro")
        self.client.identify(identify, EventOptions(user_id=who.user, device_id=who.device))

    def purchase(self, who: Who) -> None:
        self._track(who, "purchase", {"price": 1})

    def bad(self, _: Who) -> None:
        # Too short an id: the server answers 400 for the whole upload, and the SDK sends the others again.
        self._track(Who("bad"), "$exposure", {"flag_key": "checkout", "variant": "treatment"})

    def _track(self, who: Who, event_type: str, properties: dict, insert_id: str | None = None) -> None:
        self.client.track(
            BaseEvent(
                event_type,
                user_id=who.user,
                device_id=who.device,
                event_properties=properties,
                insert_id=insert_id,
            )
        )


adapter = Adapter()
story.tell(adapter)
while len(CODES) < 15:
    story.pause(20)
adapter.client.shutdown()
story.report("amplitude-analytics", codes=CODES)
