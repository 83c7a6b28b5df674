"""What a server answers to questions, in shapes that tests compare as a whole."""

import re
import time
from collections import Counter

import requests

from exposure_process import Server

# Paths that tests ask, and no SDK.
OURS = {"/v1/properties", "/v1/explain", "/v1/usage", "/v1/flags", "/healthz", "/readyz", "/metrics"}
SETTLE_SECONDS = 30


class Reading:
    """Questions to one server with one key."""

    def __init__(self, server: Server):
        self.server = server
        self.session = requests.Session()
        # Requests that processes counted which are gone.
        self.requests_before: Counter[str] = Counter()

    def ask(self, path: str, **parameters: str) -> dict:
        answer = self.session.get(
            f"{self.server.url}{path}", params=parameters, headers=self.server.headers, timeout=30
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def properties(self, **ids: str) -> tuple[str, dict[str, str]]:
        """The profile that ids read as, and its properties by flag."""
        told = self.ask("/v1/properties", **ids)
        prefix = "[Experiment] "
        assert all(name.startswith(prefix) for name in told["properties"])
        return told["profile"], {name.removeprefix(prefix): value for name, value in told["properties"].items()}

    def why(self, flag_key: str, **ids: str) -> dict:
        """Why a property is what it is: writes as their variants, times left out, whose libraries they are."""
        told = self.ask("/v1/explain", flag_key=flag_key, **ids)
        decided, lost = told["decided_by"], told["lost"]
        assert len(told["duplicates"]["last"]) == min(told["duplicates"]["count"], 10)
        assert all(not duplicate["conflict"] for duplicate in told["duplicates"]["last"])
        return {
            "profile": told["profile"],
            "variant": told["variant"],
            "decided_by": decided and (decided["variant"] or "unset"),
            "lost": [(write["variant"] or "unset", write["reason"]) for write in lost],
            "libraries": {write["library"] for write in [decided, *lost] if write is not None},
            "links": sorted({(link["device_id"], link["user_id"]) for link in told["links"]}),
            "duplicates": told["duplicates"]["count"],
        }

    def flags(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Profiles and exposures of each variant of each flag."""
        told = self.ask("/v1/flags")
        assert not told.get("next_page_token")
        return {
            flag["flag_key"]: {
                variant: (counted["profiles"], counted["exposures"]) for variant, counted in flag["variants"].items()
            }
            for flag in told["flags"]
        }

    def usage(self) -> dict[tuple[str, str, str], int]:
        """Events by kind, event type and library, over all days."""
        rows = self._usage_rows()
        counted: Counter[tuple[str, str, str]] = Counter()
        for row in rows:
            counted[row["kind"], row["event_type"], row["library"]] += row["events"]
        return dict(counted)

    def billable(self) -> int:
        """Billable events."""
        return sum(row["billable"] for row in self._usage_rows())

    def events(self) -> int:
        """Events of all kinds."""
        return sum(row["events"] for row in self._usage_rows())

    def wait_for_events(self, wanted: int) -> None:
        """Waits until so many events are there; SDKs that cannot say when they are done are waited for so."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (found := self.events()) < wanted:
            assert time.monotonic() < deadline, f"{found} of {wanted} events came: {self.usage()}"
            time.sleep(0.05)

    def rejected(self) -> dict[str, int]:
        """Rejected events by code."""
        return {labels["code"]: value for labels, value in self._metric("exposure_events_rejected_total")}

    def requests(self) -> Counter[str]:
        """Requests of senders by path and class of status: `/2/httpapi 2xx`."""
        counted = self.requests_before.copy()
        for labels, value in self._metric("exposure_http_requests_total"):
            if labels["path"] not in OURS:
                counted[f"{labels['path']} {labels['status']}"] += value
        return counted

    def _usage_rows(self) -> list[dict]:
        told = self.ask("/v1/usage")
        assert "next_page_token" not in told
        return told["rows"]

    def _metric(self, name: str) -> list[tuple[dict[str, str], int]]:
        text = self.session.get(f"{self.server.url}/metrics", headers=self.server.headers, timeout=30).text
        lines = re.findall(rf"^{name}\{{(.*)\}} (\d+)$", text, re.MULTILINE)
        return [(dict(re.findall(r'(\w+)="([^"]*)"', labels)), int(value)) for labels, value in lines]
