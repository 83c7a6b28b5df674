"""What real SDKs sent, byte for byte, into a fresh server: over the wire as it was sent, and through `exposure import`.

What is read back is compared with captures/expected (the sets), with unsets.json (the unsets beside them), and for
Amplitude with the model in spec_model.py. Sent twice, nothing changes but the counts of duplicates.
"""

import base64
import gzip
import json
import pathlib
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import pytest
import requests

import exposure_process
from exposure_client import Client, code
from exposure_process import ROOT, Server
from spec_model import Model
from test_captures import FILES as AMPLITUDE
from test_captures import check, reader

CAPTURES = ROOT / "tests" / "captures"
EXPECTED = {path.stem: json.loads(path.read_text()) for path in sorted((CAPTURES / "expected").glob("*.json"))}
UNSETS = json.loads((pathlib.Path(__file__).parent / "unsets.json").read_text())
# Calls that were recorded without any id: sent again over the wire they are new, and nothing can tell.
WITHOUT_ID = {"growthbook-browser": 3, "segment-http": 6}
# Requests that nobody can read, by their index.
UNREADABLE = {"segment-http": [11]}
# Events that are rejected: too long, or of nobody; an evaluation without a targeting key is.
REJECTED = {"segment-http": 2} | {name: 1 for name in EXPECTED if name.startswith("openfeature")}
# Events that are no exposures and nothing else: evaluations that failed, and the errors beside them.
IGNORED = {"posthog-browser": 1, "posthog-node": 1, "posthog-python": 1} | {
    name: 2 if name.startswith("openfeature-js") else 1 for name in EXPECTED if name.startswith("openfeature")
}
# What belongs to the connection and not to the request.
OF_THE_HOP = {"host", "content-length", "transfer-encoding", "connection", "keep-alive"}


@dataclass
class Capture:
    """One recorded run of an SDK."""

    name: str
    requests: list[dict] = field(default_factory=list)

    @classmethod
    def read(cls, name: str) -> "Capture":
        return cls(name, json.loads((CAPTURES / f"{name}.json").read_text(encoding="utf-8"))["requests"])

    @property
    def key(self) -> str:
        """The API key that it was sent with."""
        return "test-write-key" if self.name in EXPECTED else "0123456789abcdef0123456789abcdef"

    def uploads(self) -> list[tuple[int, dict]]:
        """The requests that carry events."""
        return [(index, it) for index, it in enumerate(self.requests) if it["method"] in ("POST", "gRPC")]


def body(request: dict) -> bytes:
    """The bytes as they came; where only their JSON was kept, that, compressed as the headers say."""
    if "raw_b64" in request:
        return base64.b64decode(request["raw_b64"])
    if request["body"] is None:
        return b""
    raw = json.dumps(request["body"]).encode()
    return gzip.compress(raw) if request["headers"].get("content-encoding") == "gzip" else raw


def replay(capture: Capture, server: Server, client: Client) -> dict[int, tuple[float, float]]:
    """Sends every request of the capture; when, by its index, in seconds before and after."""
    times = {}
    for index, request in enumerate(capture.requests):
        if request["path"].startswith("/sdk/"):
            continue  # What flags there are is another server's question.
        before = time.time()
        if request["method"] == "gRPC":
            call = client.channel.unary_unary(request["path"])
            answer = call(body(request), metadata=[("authorization", request["headers"]["authorization"])], timeout=30)
            assert (answer == b"") == (capture.name not in REJECTED), "a partial success tells what was rejected"
        else:
            headers = {name: value for name, value in request["headers"].items() if name.lower() not in OF_THE_HOP}
            answer = requests.request(
                request["method"], server.url + request["path"], headers=headers, data=body(request), timeout=30
            )
            assert answer.status_code == (400 if index in UNREADABLE.get(capture.name, ()) else 200), answer.text
            origin = headers.get("origin")
            if origin is not None:
                assert answer.headers["access-control-allow-origin"] == origin
        times[index] = (before, time.time())
    return times


def import_file(capture: Capture, server: Server, state: pathlib.Path) -> dict:
    """Imports the capture from its beginning, as an import that may be broken off: so that what an SDK sent without
    an insert id has one from its place in the file, and is known again. The counts."""
    assert not state.exists()
    where = ["--server", f"http://{server.grpc}", "--api-key", server.api_key, "--resume", str(state)]
    answer = exposure_process.run("import", "--json", *where, str(CAPTURES / f"{capture.name}.json"))
    unreadable = UNREADABLE.get(capture.name, [])
    assert answer.returncode == (1 if unreadable else 0), answer.stderr
    summary = json.loads(answer.stdout)
    assert len(summary["unreadable"]) == len(unreadable)
    return summary


def expected_writes(capture: Capture) -> list[dict]:
    """All that the capture sets and unsets."""
    sets = [it | {"is_exposure": True} for it in EXPECTED[capture.name]["exposures"]]
    unsets = [{"variant": None, "experiment_key": None} | it for it in UNSETS.get(capture.name, [])]
    return sets + unsets


def model_of(writes: list[dict]) -> Model:
    """The same in the model: who has what, and how often each was seen."""
    model = Model()
    for sequence, it in enumerate(writes):
        event = {name: it[name] for name in ("user_id", "device_id", "time_ms", "experiment_key", "variant")}
        event |= {"flag": it["flag_key"], "writes": {it["flag_key"]: it["variant"]}, "kind": "exposure"}
        event |= {"sequence": sequence, "library": "", "insert_id": "", "stored": True}
        assert model.receive(event, it["time_ms"]) == "accepted"
    return model


def read_writes(client: Client, writes: list[dict]) -> list[dict]:
    """Every write that the server knows of the users, devices and flags in question, from explain."""
    whom = {("user_id", it["user_id"]) for it in writes if it["user_id"]}
    whom |= {("device_id", it["device_id"]) for it in writes if it["device_id"]}
    found, seen = [], set()
    for flag in sorted({it["flag_key"] for it in writes}):
        for kind, id in sorted(whom):
            answer = client.explain(flag, **{kind: id})
            if (answer.profile, flag) in seen:
                continue
            seen.add((answer.profile, flag))
            assert not answer.next_page_token
            decided = [answer.decided_by] if answer.HasField("decided_by") else []
            for it in decided + [lost.write for lost in answer.lost]:
                optional = {
                    name: getattr(it, name) if it.HasField(name) else None
                    for name in ("variant", "experiment_key", "insert_id", "user_id", "device_id")
                }
                assert it.event_kind == "exposure"
                found.append(optional | {"flag_key": flag, "time_ms": it.time_us / 1000})
    return found


def identity(write: dict, *, derived: bool) -> tuple:
    """What tells a write apart. A derived insert id is whatever it is, if it is there."""
    insert_id = write["insert_id"]
    if insert_id is not None and (derived or insert_id.startswith("derived:")):
        insert_id = "derived"
    names = ("flag_key", "variant", "user_id", "device_id", "experiment_key")
    return tuple(write[name] for name in names) + (insert_id,)


def as_recorded(write: dict, time_ms: float) -> bool:
    """Expected times are rounded to milliseconds; ours have microseconds."""
    return abs(write["time_ms"] - time_ms) <= 1


def is_derived(write: dict) -> bool:
    return write.get("insert_id", "").startswith("derived:")


def check_writes(client: Client, writes: list[dict], may_be: Callable[[dict, float], bool], wire: bool) -> None:
    """Exactly the expected writes, each at a time that it may have."""
    found = read_writes(client, writes)
    derived = {(it["flag_key"], it["user_id"], it["device_id"]) for it in writes if is_derived(it)}
    left = Counter()
    unmatched = list(writes)
    for it in found:
        of_derived = (it["flag_key"], it["user_id"], it["device_id"]) in derived
        if of_derived and wire and it["insert_id"] is None:
            it["insert_id"] = "derived:none"  # GrowthBook's have none over the wire.
        key = identity(it, derived=of_derived)
        same = [
            other
            for other in unmatched
            if identity(other, derived=of_derived) == key and may_be(other, it["time_ms"])
        ]
        if same:
            unmatched.remove(same[0])
        else:
            left[key + (it["time_ms"],)] += 1
    assert not unmatched and not left, f"missing {unmatched}, and not expected {left}"


def check_state(client: Client, model: Model) -> None:
    """Properties of every profile, and profiles and exposures of every variant."""
    pb = client.stubs.property_service_pb2
    listed: dict[str, dict[str, str]] = {}
    request = pb.WatchUserPropertiesRequest(snapshot=True)
    for entry in client.properties.WatchUserProperties(request, metadata=client.metadata, timeout=30):
        if entry.WhichOneof("entry") == "snapshot_done":
            break
        it = entry.snapshot_entry
        listed.setdefault(it.profile, {})[it.property.flag_key] = it.property.variant
    expected = model.properties()
    assert listed == expected
    for profile in sorted(model.profiles()):
        kind, _, id = profile.partition(":")
        assert client.properties_of(**{f"{kind}_id": id}) == (profile, expected.get(profile, {}))
    flags = {
        key: {it.variant: (it.profile_count, it.exposure_count) for it in flag.variants if it.exposure_count}
        for key, flag in client.flags().items()
    }
    assert {key: variants for key, variants in flags.items() if variants} == model.flags()


def totals(client: Client) -> tuple[int, Counter]:
    """Events that were metered, and what senders sent by outcome."""
    senders, request = Counter(), client.stubs.admin_service_pb2.ListSendersRequest(page_size=1000)
    for it in client.call(client.admin.ListSenders, request).senders:
        assert it.received_count == it.accepted_count + it.duplicate_count + it.rejected_count
        senders.update(accepted=it.accepted_count, duplicate=it.duplicate_count, rejected=it.rejected_count)
    return sum(row.event_count for row in client.usage_rows()), senders


@pytest.mark.parametrize("name", EXPECTED)
def test_replayed_over_the_wire(name: str, start_server: Callable[..., Server], stubs, tmp_path: pathlib.Path):
    capture = Capture.read(name)
    writes = expected_writes(capture)
    server = start_server(api_key=capture.key)
    recorded = {index: it["t"] for index, it in capture.uploads()}
    with Client(stubs, server.grpc, server.api_key) as client:
        times = replay(capture, server, client)

        def may_be(write: dict, time_ms: float) -> bool:
            """As recorded, or later by as much as some request was sent later."""
            if as_recorded(write, time_ms):
                return True
            later = [
                (before - recorded[index], after - recorded[index])
                for index, (before, after) in times.items()
                if index in recorded
            ]
            moved = (time_ms - write["time_ms"]) / 1000
            return any(low - 0.002 <= moved <= high + 0.002 for low, high in later)

        check_writes(client, writes, may_be, wire=True)
        check_state(client, model_of(writes))
        metered, senders = totals(client)
        assert senders["rejected"] == REJECTED.get(name, 0) and senders["accepted"] == metered

        replay(capture, server, client)
        again, twice = totals(client)
        new = WITHOUT_ID.get(name, 0)
        assert again == metered + new
        n_known = senders["accepted"] + senders["duplicate"] - new
        expected = senders + Counter(accepted=new, duplicate=n_known, rejected=senders["rejected"])
        assert +twice == +expected
        if name != "growthbook-browser":
            check_writes(client, writes, may_be, wire=True)
            check_state(client, model_of(writes))


@pytest.mark.parametrize("name", EXPECTED)
def test_imported(name: str, start_server: Callable[..., Server], stubs, tmp_path: pathlib.Path):
    capture = Capture.read(name)
    writes = expected_writes(capture)
    server = start_server(api_key=capture.key)
    with Client(stubs, server.grpc, server.api_key) as client:
        summary = import_file(capture, server, tmp_path / "first")
        metered, senders = totals(client)
        assert metered == senders["accepted"] == summary["accepted"] - IGNORED.get(name, 0)
        assert summary["rejected"] == REJECTED.get(name, 0)
        check_writes(client, writes, as_recorded, wire=False)
        check_state(client, model_of(writes))

        again = import_file(capture, server, tmp_path / "again")
        n_known = metered + summary["duplicate"]
        assert (again["accepted"], again["duplicate"]) == (IGNORED.get(name, 0), n_known)
        assert totals(client)[0] == metered
        check_writes(client, writes, as_recorded, wire=False)
        check_state(client, model_of(writes))


@pytest.mark.parametrize("path", AMPLITUDE, ids=lambda path: path.stem)
def test_amplitude_replayed_over_http(path: pathlib.Path, start_server: Callable[..., Server], stubs):
    capture = Capture.read(path.stem)
    server, model = start_server(api_key=capture.key), Model()

    def receive() -> Counter:
        outcomes, now_ms = Counter(), int(time.time() * 1000)
        for request in filter(reader().is_upload, capture.requests):
            for event in reader().upload(request)["events"]:
                outcomes[model.receive(event, now_ms)] += 1
        return outcomes

    with Client(stubs, server.grpc, server.api_key) as client:
        replay(capture, server, client)
        first = receive()
        check(server, client, model)
        assert totals(client)[1] == +first
        replay(capture, server, client)
        second = receive()
        check(server, client, model)
        assert second["accepted"] == 0
        assert totals(client)[1] == first + second


def test_every_capture_is_expected_to_say_something():
    names = {path.stem for path in CAPTURES.glob("*.json")}
    assert names == set(EXPECTED) | {path.stem for path in AMPLITUDE}
    assert set(UNSETS) - {"//"} <= set(EXPECTED)


def sender_metrics(server: Server) -> tuple[Counter, Counter]:
    """What /metrics says of senders: events by (library, outcome), and rejected ones by (library, code)."""
    events, rejected = Counter(), Counter()
    for line in requests.get(f"{server.url}/metrics", timeout=30).text.splitlines():
        found = re.fullmatch(r'(\w+)\{project="default",library="([^"]*)",(outcome|code)="(\w+)"\} (\d+)', line)
        if found:
            name, library, label, value, count = found.groups()
            of = {"exposure_sender_events_total": events, "exposure_sender_events_rejected_total": rejected}[name]
            assert (label == "code") == (of is rejected)
            of[library, value] += int(count)
    return +events, +rejected


def test_senders_are_counted_exactly_and_for_ever(start_server: Callable[..., Server], stubs, tmp_path: pathlib.Path):
    server = start_server(data_dir=tmp_path / "data", api_key="test-write-key")
    names = ["segment-http", "segment-node", "rudder-python"]
    with Client(stubs, server.grpc, server.api_key) as client:
        for name in names + ["segment-node"]:
            replay(Capture.read(name), server, client)
        request = stubs.admin_service_pb2.ListSendersRequest(page_size=1000)
        events, rejected = Counter(), Counter()
        for it in client.call(client.admin.ListSenders, request).senders:
            events[it.library, "accepted"] += it.accepted_count
            events[it.library, "duplicate"] += it.duplicate_count
            events[it.library, "rejected"] += it.rejected_count
            for reason in it.rejected_counts:
                rejected[it.library, code(reason)] += reason.event_count
        in_log = Counter((it.library, code(it)) for it in client.rejected(page_size=100))
    node = "@segment/analytics-node/3.1.0"
    # One of eleven calls was sent twice by the SDK itself.
    assert (events[node, "accepted"], events[node, "duplicate"]) == (10, 12)
    assert rejected == in_log == {("", "TOO_LONG"): 1, ("", "MISSING"): 1}
    assert sender_metrics(server) == (+events, rejected)
    text = requests.get(f"{server.url}/metrics", timeout=30).text
    for outcome in ("accepted", "duplicate", "rejected"):
        count = sum(n for (_, of), n in events.items() if of == outcome)
        assert f'exposure_protocol_events_total{{protocol="segment",outcome="{outcome}"}} {count}\n' in text
    where = ["--server", f"http://{server.grpc}", "--api-key", server.api_key]
    shown = json.loads(exposure_process.run("flags", "--senders", "--json", *where).stdout)["senders"]
    outcomes = ("accepted", "duplicate", "rejected")
    assert +Counter({(it["library"], outcome): it[outcome] for it in shown for outcome in outcomes}) == +events
    by_code = {(it["library"], code): n for it in shown for code, n in it["rejected_by_code"].items()}
    assert by_code == rejected
    server.kill()
    server.start()
    assert sender_metrics(server) == (+events, rejected)
