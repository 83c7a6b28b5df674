"""What must stand after the story that every sender program tells (node/story.mjs says it in full)."""

import dataclasses

from reading import Reading

TREATMENT = {"checkout": "treatment"}
BOTH = TREATMENT | {"banner": "on"}
EXPOSURE = ("exposure", "[Experiment] Exposure")
# Kinds and event types of the whole story, as SDKs tell it that can say every step of it.
AMPLITUDE = {EXPOSURE: 11, ("identify", "$identify"): 1, ("track", "purchase"): 1}
SEGMENT = {EXPOSURE: 11, ("identify", "$identify"): 1, ("track", "Order Completed"): 1}
# Of the SDKs that evaluate flags: two of their events come under an id that had come before, one is an assignment.
EVALUATED = {EXPOSURE: 9, ("assignment", "[Experiment] Assignment"): 1}


@dataclasses.dataclass
class Expected:
    """How an SDK tells the story, and what of it is there then."""

    # Events by kind and event type, duplicates apart.
    usage: dict[tuple[str, str], int]
    billable: int
    # What the SDK calls itself, with its version.
    library: str
    # The code of the bad event.
    rejected: str
    # Steps that the SDK has no way to say.
    cannot: frozenset[str] = frozenset()
    # Where the user stands who saw a, b and a again: at b when the last comes under the id of the first.
    flip: str = "a"
    # Whether uploads come in the order of their events: one that does not may come after what decides.
    in_order: bool = True

    def check(self, reading: Reading) -> None:
        """Compares everything with what the server says."""
        assert reading.usage() == {(kind, event_type, self.library): n for (kind, event_type), n in self.usage.items()}
        assert reading.billable() == self.billable
        assert reading.rejected() == {self.rejected: 1}
        self._check_users(reading)
        self._check_flags(reading)

    def _check_users(self, reading: Reading) -> None:
        for user in ["set-user", "good-user-1", "good-user-2"]:
            self._check_user(reading, user, TREATMENT, "treatment")

        for user in ["bad-user", "bad"]:
            assert reading.properties(user_id=user) == (f"user:{user}", {})

        if "unset" not in self.cannot:
            self._check_user(reading, "unset-user", {}, "unset", [("treatment", "older")])

        lost = [("b", "older"), ("a", "older")] if self.flip == "a" else [("a", "older")]
        self._check_user(reading, "flip-user", {"checkout": self.flip}, self.flip, lost, int(self.flip == "b"))

        if "duplicate" not in self.cannot:
            self._check_user(reading, "duplicate-user", TREATMENT, "treatment", duplicates=1)

        if "anonymous" not in self.cannot:
            # The device reads as the user who logged in on it.
            for ids in [{"user_id": "login-user"}, {"device_id": "anonymous-device"}]:
                assert reading.properties(**ids) == ("user:login-user", BOTH)
            links = [("anonymous-device", "login-user")]
            assert reading.why("banner", user_id="login-user") == self._why("login-user", "on", "on", links=links)

    def _check_user(self, reading: Reading, user: str, properties: dict, decided_by: str, lost=(), duplicates=0):
        assert reading.properties(user_id=user) == (f"user:{user}", properties)
        why = reading.why("checkout", user_id=user)
        if not self.in_order:
            # What lost to a later arrival may have come later itself, or at the same time.
            why["lost"] = [(variant, "older") for variant, _ in why["lost"]]
        assert why == self._why(user, properties.get("checkout"), decided_by, lost, duplicates)

    def _why(self, user: str, variant: str | None, decided_by: str, lost=(), duplicates=0, links=()) -> dict:
        # A write with a user is that user's, by no link.
        return {
            "profile": f"user:{user}",
            "variant": variant,
            "decided_by": decided_by,
            "lost": list(lost),
            "libraries": {self.library},
            "links": list(links),
            "duplicates": duplicates,
        }

    def _check_flags(self, reading: Reading) -> None:
        """Who saw what stays, whatever the property is now; what came twice under one id is counted once."""
        saw_treatment = 3 + len({"unset", "duplicate", "anonymous"} - self.cannot)
        seen_again = 1 if self.flip == "a" else 0
        flags = {
            "checkout": {"treatment": (saw_treatment, saw_treatment), "a": (1, 1 + seen_again), "b": (1, 1)},
            "banner": {"on": (1, 1)},
        }
        if "anonymous" in self.cannot:
            del flags["banner"]
        assert reading.flags() == flags
