"""amplitude-experiment: exposures and assignments tracked by local evaluation."""

from amplitude_experiment import AssignmentConfig, LocalEvaluationClient, LocalEvaluationConfig, User
from amplitude_experiment.exposure import ExposureConfig
from amplitude_experiment.local.evaluate_options import EvaluateOptions

import story
from story import FLAGS, KEY, URL, Who

EVENTS = {"api_key": KEY, "server_url": f"{URL}/2/httpapi", "flush_interval_millis": 100}


def start(**config) -> LocalEvaluationClient:
    client = LocalEvaluationClient("a-deployment-key", LocalEvaluationConfig(server_url=FLAGS, **config))
    client.start()
    return client


class Adapter:
    def __init__(self):
        self.assignments = start(assignment_config=AssignmentConfig(**EVENTS))
        self.exposures = start(exposure_config=ExposureConfig(**EVENTS))
        self.seen: set[tuple] = set()

    def expose(self, who: Who, flag: str, variant: str | None, insert_id: str | None = None) -> None:
        if variant is None:
            # The default variant is no exposure; its assignment takes the property away.
            self._evaluate(self.assignments, who, flag, "off")
            return
        # What the SDK exposed once it does not expose again, until the process that runs it is another one.
        if (who, flag, variant) in self.seen:
            self.exposures.stop()
            self.exposures = start(exposure_config=ExposureConfig(**EVENTS))
            self.seen.clear()
        self.seen.add((who, flag, variant))
        self._evaluate(self.exposures, who, flag, variant)

    def bad(self, _: Who) -> None:
        self._evaluate(self.exposures, Who("bad"), "checkout", "treatment")

    def stop(self) -> None:
        self.exposures.stop()
        self.assignments.stop()

    @staticmethod
    def _evaluate(client: LocalEvaluationClient, who: Who, flag: str, wants: str) -> None:
        user = User(user_id=who.user, device_id=who.device, user_properties={"wants": wants})
        told = client.evaluate_v2(user, {flag}, EvaluateOptions(tracks_exposure=True))
        assert told[flag].key == wants, told


adapter = Adapter()
story.tell(adapter)
adapter.stop()
story.report("amplitude-experiment")
