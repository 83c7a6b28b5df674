"""The cases of tests/vectors through a running server, each through every interface it can be said through.

`grpc` is IngestService, `json` is POST /v1/exposures, `amplitude` is `exposure import` of an upload's body. Every case
has a project of its own. Cases with times of receipt go through the two interfaces that can carry one: an import over
gRPC, and a recorded Amplitude request. Our own JSON has no such member: there a clock must be injected, which the tests
of the service do.
"""

import itertools
import json
import pathlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import requests

import exposure_client
import exposure_process
from exposure_client import Client
from exposure_process import ROOT, Server

INTERFACES = ["grpc", "json", "amplitude"]
MICROS = 1000
NUMBERS = itertools.count(1)


def cases(name: str) -> list[dict]:
    return json.loads((ROOT / "tests" / "vectors" / f"{name}.json").read_text(encoding="utf-8"))["cases"]


class Project:
    """A fresh project, and the interfaces to send events of the vectors' shape to it."""

    def __init__(self, server: Server, client: Client, directory: pathlib.Path):
        self.server, self.client, self.directory = server, client, directory

    def send(self, interface: str, events: list[dict], received_ms: int | None = None) -> list[dict]:
        """Sends events in the analytics form; gives their outcomes as our JSON has them."""
        return {"grpc": self._grpc, "json": self._json, "amplitude": self._amplitude}[interface](events, received_ms)

    def _grpc(self, events: list[dict], received_ms: int | None) -> list[dict]:
        sent = []
        for event in events:
            properties = event.get("event_properties", {})
            assert event["event_type"] == "$exposure"
            sent.append(
                self.client.exposure(
                    properties.get("flag_key"),
                    properties.get("variant"),
                    experiment_key=properties.get("experiment_key"),
                    metadata=properties.get("metadata"),
                    user_id=event.get("user_id"),
                    device_id=event.get("device_id"),
                    insert_id=event.get("insert_id"),
                    time_us=None if event.get("time") is None else event["time"] * MICROS,
                    sequence=event.get("event_id", 0),
                )
            )
        options = {}
        if received_ms is not None:
            pb = self.client.stubs.ingest_service_pb2
            options["import_options"] = pb.ImportOptions(received_us=received_ms * MICROS)
        told = []
        for outcome in self.client.send(*sent, **options):
            match outcome.WhichOneof("result"):
                case "accepted":
                    effects = [
                        {"flag_key": effect.flag_key, "effect": exposure_client.name(effect, "kind")}
                        for effect in outcome.accepted.effects
                    ]
                    notes = exposure_client.notes(outcome)
                    told.append({"outcome": "accepted", "effects": effects, "notes": notes})
                case "duplicate":
                    told.append({"outcome": "duplicate", "conflict": outcome.duplicate.conflict})
                case "rejected":
                    rejected = outcome.rejected
                    code = exposure_client.code(rejected)
                    told.append({"outcome": "rejected", "code": code, "field": rejected.field})
        return told

    def _json(self, events: list[dict], received_ms: int | None) -> list[dict]:
        assert received_ms is None, "our JSON carries no time of receipt"
        renamed = {"event_id": "sequence"}
        exposures = []
        for event in events:
            own = {renamed.get(name, name): value for name, value in event.items()}
            assert own.pop("event_type") == "$exposure"
            exposures.append(own | own.pop("event_properties", {}))
        answer = requests.post(
            f"{self.server.url}/v1/exposures",
            json={"exposures": exposures},
            headers={"authorization": f"Bearer {self.client.key}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    def _amplitude(self, events: list[dict], received_ms: int | None) -> list[dict]:
        body = {"api_key": "of-the-sender", "events": events}
        if received_ms is not None:
            request = {"t_ms": received_ms, "method": "POST", "path": "/2/httpapi", "headers": {}, "body": body}
            body = {"sdk": "vectors", "version": "1", "requests": [request]}
        path = self.directory / "body.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        where = ["--server", f"http://{self.server.grpc}", "--api-key", self.client.key]
        answer = exposure_process.run("import", "--format", "amplitude", "--json", "--outcomes", *where, str(path))
        assert answer.returncode == 0, answer.stderr
        (file,) = json.loads(answer.stdout)["files"]
        assert file["unreadable"] == []
        return file["outcomes"]

    def properties(self, **ids: str) -> dict:
        """What GET /v1/properties answers."""
        answer = requests.get(
            f"{self.server.url}/v1/properties",
            params=ids,
            headers={"authorization": f"Bearer {self.client.key}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def project(
    shared_server: Server, stubs: SimpleNamespace, tmp_path: pathlib.Path
) -> Iterator[Callable[[], Project]]:
    """Makes fresh projects on the shared server."""
    opened: list[Client] = []
    root = Client(stubs, shared_server.grpc, shared_server.api_key)
    opened.append(root)

    def make() -> Project:
        key = root.create_project(f"case-{next(NUMBERS)}")
        opened.append(Client(stubs, shared_server.grpc, key))
        return Project(shared_server, opened[-1], tmp_path)

    yield make
    for client in opened:
        client.channel.close()


def word(outcome: dict) -> str:
    """An outcome in the words of the vectors."""
    if outcome["outcome"] == "duplicate":
        return "duplicate(conflict)" if outcome["conflict"] else "duplicate"
    if outcome["outcome"] == "rejected":
        return "rejected"
    effects = [effect["effect"] for effect in outcome["effects"]]
    assert len(effects) <= 1, effects
    return effects[0] if effects else "accepted without effect"


@pytest.mark.parametrize("interface", INTERFACES)
def test_validation(interface: str, project: Callable[[], Project]):
    n_run, n_rejected = 0, 0
    for case in cases("validation"):
        if interface not in case["via"]:
            continue
        n_run += 1
        name, event, fresh = case["name"], case["event"], project()
        (outcome,) = fresh.send(interface, [event])
        assert word(outcome) == case["outcome"], (name, outcome)
        logged = fresh.client.rejected()
        if case["outcome"] == "rejected":
            n_rejected += 1
            assert (outcome["code"], outcome["field"]) == (case["code"], case["field"]), name
            (logged,) = logged
            assert (exposure_client.code(logged), logged.field) == (case["code"], case["field"]), name
            assert logged.message, name
            assert fresh.client.flags() == {}, name
            assert fresh.client.usage_rows() == [], name
            continue
        assert logged == [], name
        # A case names its notes where they are what it is about; that no time was given is noted of every such event.
        noted, expected = set(outcome["notes"]), set(case.get("notes", []))
        assert noted - {"time_missing"} == expected - {"time_missing"}, name
        # One that is no exposure is ignored, with its time.
        is_ignored = event.get("event_properties", {}).get("metadata") == {"trackExposure": False}
        assert ("time_missing" in noted) == ("time" not in event and not is_ignored), name
        ids = {it: event[it] for it in ("user_id", "device_id") if event.get(it)}
        written = {it["flag_key"] for it in outcome["effects"] if it["effect"] == "set"}
        expected = {f"[Experiment] {flag}": "on" for flag in written}
        assert fresh.properties(**ids)["properties"] == expected, name
        assert len(expected) == (1 if case["outcome"] == "set" else 0), name
    assert n_run == Counter(via for case in cases("validation") for via in case["via"])[interface] > 20
    assert n_rejected > 10


@pytest.mark.parametrize("interface", INTERFACES)
def test_register(interface: str, project: Callable[[], Project]):
    n_run = n_received = 0
    for case in cases("register"):
        has_received = any("receive_time_ms" in write for write in case["writes"])
        if has_received and interface == "json":
            continue
        n_run += 1
        n_received += has_received
        fresh, outcomes = project(), []
        for write in case["writes"]:
            properties = {it: write[it] for it in ("variant", "experiment_key") if it in write}
            event = {
                "event_type": "$exposure",
                "user_id": "user-1",
                "time": write["time_ms"],
                "event_id": write["sequence"],
                "insert_id": write["insert_id"],
                "event_properties": {"flag_key": "f", **properties},
            }
            outcomes += fresh.send(interface, [event], write.get("receive_time_ms"))
        assert [word(outcome) for outcome in outcomes] == case["effects"], case["name"]
        if "notes" in case:
            assert [outcome["notes"] for outcome in outcomes] == case["notes"], case["name"]
        expected = {} if case["final"] is None else {"[Experiment] f": case["final"]}
        assert fresh.properties(user_id="user-1")["properties"] == expected, case["name"]
        explained = fresh.client.explain("f", user_id="user-1")
        if case["final"] is None:
            assert not explained.HasField("variant"), case["name"]
        else:
            assert explained.variant == case["final"], case["name"]
        if "final_experiment_key" in case:
            assert explained.decided_by.experiment_key == case["final_experiment_key"], case["name"]
        n_duplicates = sum(effect.startswith("duplicate") for effect in case["effects"])
        assert explained.duplicates.duplicate_count == n_duplicates, case["name"]
    with_times = sum(any("receive_time_ms" in it for it in case["writes"]) for case in cases("register"))
    assert n_run == len(cases("register")) - (with_times if interface == "json" else 0)
    assert n_received == (0 if interface == "json" else with_times) and with_times > 0


@pytest.mark.parametrize("interface", INTERFACES)
def test_identity(interface: str, project: Callable[[], Project]):
    n_run = 0
    for case in cases("identity"):
        told = list(enumerate(case["events"]))
        shuffled = random.Random(case["name"]).sample(told, len(told))
        for order in [told, told[::-1], shuffled]:
            check_identity(interface, case, order, project())
        n_run += 1
    assert n_run == len(cases("identity")) > 5


def check_identity(interface: str, case: dict, order: list[tuple[int, dict]], fresh: Project):
    """One flag for all events, whose profiles are counted, and one for each, which only its owner then has."""
    events = [
        {
            "event_type": "$exposure",
            "user_id": event["user_id"],
            "device_id": event["device_id"],
            "time": event["time_ms"],
            "event_id": 0,
            "event_properties": {"flag_key": flag, "variant": "on"},
        }
        for index, event in order
        for flag in ("all", f"event-{index}")
    ]
    for outcome in fresh.send(interface, events):
        assert outcome["outcome"] == "accepted", (case["name"], outcome)
    flags = fresh.client.flags()
    assert flags["all"].profile_count == case["unique_profiles"], case["name"]
    assert flags["all"].variants[0].exposure_count == len(order), case["name"]

    pb = fresh.client.stubs.exposure_query_service_pb2
    expected: dict[str, dict[str, str]] = {}
    for index, owner in enumerate(case["owner"]):
        expected.setdefault(owner, {"[Experiment] all": "on"})[f"[Experiment] event-{index}"] = "on"
        for basis in (pb.PROFILE_BASIS_PROPERTY, pb.PROFILE_BASIS_EXPOSURE):
            request = pb.ListProfilesRequest(flag_key=f"event-{index}", basis=basis)
            listed = fresh.client.call(fresh.client.queries.ListProfiles, request).profiles
            assert [entry.profile for entry in listed] == [owner], (case["name"], index)
    for owner, properties in expected.items():
        kind, _, id = owner.partition(":")
        answer = fresh.properties(**{f"{kind}_id": id})
        assert answer == {"profile": owner, "properties": properties}, case["name"]
