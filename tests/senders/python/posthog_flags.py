"""posthog: exposures that reading a flag tracks, flags evaluated by the service that `host` also stands for."""

from posthog import Posthog

import story
from story import KEY, URL, Who

FAILURES: list[str] = []


def start() -> Posthog:
    return Posthog(KEY, host=URL, on_error=lambda error, _: FAILURES.append(str(error)))


class Adapter:
    def __init__(self):
        self.client = start()
        self.seen: set[tuple] = set()

    def expose(self, who: Who, flag: str, variant: str, insert_id: str | None = None) -> None:
        if insert_id is not None:
            self._called(who, flag, variant, "0199aaaa-0000-7000-8000-000000000001")
            return
        # What a client told of a user it does not tell again, until the process that runs it is another one.
        if (who, flag, variant) in self.seen:
            self.client.shutdown()
            self.client = start()
            self.seen.clear()
        self.seen.add((who, flag, variant))
        if who.device is not None:
            self._called(who, flag, variant)
            return
        told = self.client.evaluate_flags(who.user, person_properties={"wants": variant}).get_flag(flag)
        assert told == variant, told

    def identify(self, who: Who) -> None:
        self.client.alias(previous_id=who.device, distinct_id=who.user)

    def purchase(self, who: Who) -> None:
        self.client.capture("purchase", distinct_id=who.user, properties={"price": 1})

    def bad(self, who: Who) -> None:
        self._called(who, None, "treatment")

    def _called(self, who: Who, flag: str | None, variant: str, uuid: str | None = None) -> None:
        properties = {"$feature_flag_response": variant}
        if flag is not None:
            properties["$feature_flag"] = flag
        if who.device is not None:
            properties["$device_id"] = who.device
        self.client.capture(
            "$feature_flag_called", distinct_id=who.user or who.device, properties=properties, uuid=uuid
        )


adapter = Adapter()
# No response of a flag means that a user left an experiment.
story.tell(adapter, cannot={"unset"})
adapter.client.shutdown()
story.report("posthog", failures=FAILURES)
