"""What a set of events means, computed the slow and obvious way: docs/semantics.md as a program.

It takes the records that `expect.py` of exposure-formats reads out of captures, and answers what a server must answer.
"""

from collections import Counter, defaultdict

MAX_FUTURE_SKEW_MS = 10 * 60 * 1000
EARLIEST_MS = 946_684_800_000
DAY_MS = 24 * 60 * 60 * 1000
DEDUPE_MS = 7 * DAY_MS
BILLABLE = {"track", "page", "screen"}
COUNTED = {"exposure", "impression"}


class Model:
    """All that was received, in the order of receipt."""

    def __init__(self):
        self.admitted: list[dict] = []
        self.n_duplicates = 0
        self._first_receipt: dict[tuple[str, str], int] = {}

    def receive(self, event: dict, received_ms: int) -> str:
        """Takes in one event; gives `accepted` or `duplicate`."""
        if not event["stored"]:
            return "accepted"
        if event["insert_id"]:
            owner = f"device:{event['device_id']}" if event["device_id"] else f"user:{event['user_id']}"
            key = (owner, event["insert_id"])
            first = self._first_receipt.get(key)
            if first is not None and abs(received_ms - first) <= DEDUPE_MS:
                self.n_duplicates += 1
                return "duplicate"
            self._first_receipt[key] = received_ms
        time_ms = event["time_ms"]
        if time_ms is None or time_ms < EARLIEST_MS or received_ms + MAX_FUTURE_SKEW_MS < time_ms:
            time_ms = received_ms
        self.admitted.append(event | {"time_ms": time_ms, "received_ms": received_ms})
        return "accepted"

    def owner(self, event: dict) -> str:
        """Whom the writes of an event belong to, under all the links there are."""
        if event["user_id"]:
            return f"user:{event['user_id']}"
        links = sorted(
            (other["time_ms"], other["user_id"].encode())
            for other in self.admitted
            if other["user_id"] and other["device_id"] == event["device_id"]
        )
        if not links:
            return f"device:{event['device_id']}"
        before = [link for link in links if link[0] <= event["time_ms"]]
        _, user = before[-1] if before else links[0]
        return f"user:{user.decode()}"

    def properties(self) -> dict[str, dict[str, str]]:
        """The visible properties, by profile and then by flag; profiles without one are not there."""
        registers: dict[tuple[str, str], tuple] = {}
        for event in self.admitted:
            for flag, variant in event["writes"].items():
                key = (self.owner(event), flag)
                # Only the flag that an exposure is about has the run that it names.
                experiment_key = event["experiment_key"] if flag == event["flag"] else None
                write = (
                    event["time_ms"],
                    event["sequence"],
                    variant is None,
                    (variant or "").encode(),
                    (experiment_key or "").encode(),
                    (event["insert_id"] or "").encode(),
                )
                registers[key] = max(registers.get(key, write), write)
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for (profile, flag), (_, _, is_unset, variant, _, _) in registers.items():
            if not is_unset:
                found[profile][flag] = variant.decode()
        return dict(found)

    def profiles(self) -> set[str]:
        """Every owner of an event, with a property or without."""
        return {self.owner(event) for event in self.admitted}

    def flags(self) -> dict[str, dict[str, tuple[int, int]]]:
        """(distinct profiles, exposures) by flag and variant, of exposures that are no unset."""
        seen: dict[tuple[str, str], list[str]] = defaultdict(list)
        for event in self.admitted:
            if event["kind"] in COUNTED and event["variant"]:
                seen[event["flag"], event["variant"]].append(self.owner(event))
        found: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        for (flag, variant), owners in seen.items():
            found[flag][variant] = (len(set(owners)), len(owners))
        return dict(found)

    def usage(self) -> Counter:
        """Admitted events by (kind, library)."""
        return Counter((event["kind"], event["library"]) for event in self.admitted)
