"""A client in another language, over stubs made from our .proto files: what it can do, and what it is told when it errs."""

import queue
import threading
from collections.abc import Callable, Iterator

import grpc
import pytest
import requests

import exposure_client
from exposure_client import Client, refused
from exposure_process import Server

T0 = 1_700_000_000_000_000
DAY = 86_400_000_000


def effects(outcome) -> list[tuple[str, str]]:
    """What an accepted event did, as (flag, effect)."""
    assert outcome.WhichOneof("result") == "accepted", outcome
    return [(effect.flag_key, exposure_client.name(effect, "kind")) for effect in outcome.accepted.effects]


def watch(client: Client, n_entries: int, timeout: float = 30, **begin) -> list:
    """The first entries of a watch, without those that only move its cursor."""
    request = client.stubs.property_service_pb2.WatchUserPropertiesRequest(**begin)
    call = client.properties.WatchUserProperties(request, metadata=client.metadata, timeout=timeout)
    entries = []
    for entry in call:
        if entry.WhichOneof("entry") != "progress":
            entries.append(entry)
        if len(entries) == n_entries:
            break
    call.cancel()
    return entries


def change(entry) -> tuple[str, str, str | None]:
    """A change as (profile, flag, variant)."""
    assert entry.WhichOneof("entry") == "property_change", entry
    it = entry.property_change
    return it.profile, it.flag_key, it.variant if it.HasField("variant") else None


class Stream:
    """An open IngestStream: batches in by `send`, answers out by `answers`."""

    def __init__(self, client: Client, timeout: float = 30):
        self.pb, self.requests = client.stubs.ingest_service_pb2, queue.SimpleQueue()
        requests = iter(self.requests.get, None)
        self.answers = client.ingest.IngestStream(requests, metadata=client.metadata, timeout=timeout)

    def send(self, batch_id: int, *events) -> None:
        batch = self.pb.IngestRequest(events=events)
        self.requests.put(self.pb.IngestStreamRequest(batch_id=batch_id, batch=batch))

    def close(self) -> None:
        """Says that nothing more comes."""
        self.requests.put(None)


def test_ingest_and_read(client: Client, server: Server):
    sent = [
        client.exposure("checkout", "on", user_id="user-1", device_id="device-1", time_us=T0, insert_id="i-1"),
        client.exposure("banner", "blue", device_id="device-1", time_us=T0 + 1),
        client.exposure("checkout", "", user_id="user-2", time_us=T0),
        client.exposure("checkout", "off", user_id="user-2", time_us=T0 + 2),
        client.exposure("checkout", None, user_id="user-2", time_us=T0 + 3),
        client.exposure("checkout", "on", user_id="user-1", device_id="device-1", time_us=T0, insert_id="i-1"),
    ]
    outcomes = client.send(*sent, library="python-tests/1")
    assert effects(outcomes[0]) == [("checkout", "set")]
    assert effects(outcomes[1]) == [("banner", "set")]
    rejected = outcomes[2].rejected
    assert (exposure_client.code(rejected), rejected.field) == ("INVALID", "variant")
    assert [effects(outcome) for outcome in outcomes[3:5]] == [[("checkout", "set")], [("checkout", "unset")]]
    assert outcomes[5].WhichOneof("result") == "duplicate" and not outcomes[5].duplicate.conflict

    everything = {"checkout": "on", "banner": "blue"}
    assert client.properties_of(user_id="user-1") == ("user:user-1", everything)
    assert client.properties_of(device_id="device-1") == ("user:user-1", everything)
    assert client.properties_of(user_id="user-2") == ("user:user-2", {})
    assert client.properties_of(user_id="nobody") == ("user:nobody", {})

    pb = client.stubs.property_service_pb2
    refs = [pb.ProfileRef(device_id="device-1"), pb.ProfileRef(user_id="user-2"), pb.ProfileRef(user_id="user-1")]
    request = pb.BatchGetUserPropertiesRequest(profiles=refs)
    batch = client.call(client.properties.BatchGetUserProperties, request).user_properties
    assert [it.profile for it in batch] == ["user:user-1", "user:user-2", "user:user-1"]
    assert [{p.flag_key: p.variant for p in it.properties} for it in batch] == [everything, {}, everything]
    (checkout,) = [it for it in batch[0].properties if it.flag_key == "checkout"]
    assert checkout.time_us == T0

    over_http = requests.get(f"{server.url}/v1/properties?user_id=user-1", headers=server.headers, timeout=30)
    assert over_http.json()["properties"] == {f"[Experiment] {flag}": value for flag, value in everything.items()}


def test_explain(client: Client):
    send = [("on", T0 + 5, "i-2"), ("off", T0 + 3, "i-1"), ("blue", T0 + 5, "i-3"), ("on", T0 + 5, "i-2")]
    for variant, time_us, insert_id in send:
        event = client.exposure(
            "f", variant, user_id="u", device_id="d", time_us=time_us, insert_id=insert_id, metadata={"page": 7}
        )
        client.send(event, library="python-tests/1")
    explained = client.explain("f", user_id="u")
    assert (explained.profile, explained.flag_key, explained.variant) == ("user:u", "f", "on")
    decided = explained.decided_by
    assert (decided.variant, decided.time_us, decided.insert_id, decided.user_id) == ("on", T0 + 5, "i-2", "u")
    assert (decided.event_kind, decided.library, decided.metadata) == ("exposure", "python-tests/1", b'{"page": 7}')
    assert decided.receive_time_us > T0 and decided.key_id
    lost = [(it.write.insert_id, exposure_client.name(it, "reason")) for it in explained.lost]
    assert lost == [("i-3", "tie"), ("i-1", "stale")], "the greatest first"
    assert not explained.links, "none was needed: every event named its user"
    assert explained.duplicates.duplicate_count == 1
    assert [it.insert_id for it in explained.duplicates.last] == ["i-2"]

    client.send(client.exposure("f", "late", device_id="d", time_us=T0 + 9))
    explained = client.explain("f", device_id="d")
    assert (explained.profile, explained.variant) == ("user:u", "late")
    assert not explained.decided_by.HasField("user_id") and explained.decided_by.device_id == "d"
    assert {(it.device_id, it.user_id) for it in explained.links} == {("d", "u")}


def test_flags_and_usage(client: Client, server: Server):
    events = []
    for number in range(10):
        variant = "on" if number % 2 else "off"
        events.append(client.exposure("f", variant, user_id=f"user-{number}", time_us=T0 + number * DAY))
    events.append(client.exposure("f", "on", user_id="user-0", time_us=T0 + DAY, insert_id="i"))
    pb = client.stubs.event_pb2
    events.append(pb.Event(user_id="user-0", outcome=pb.Outcome(event_type="purchase"), time_us=T0))
    events.append(pb.Event(user_id="user-0", identify=pb.Identify(), time_us=T0))
    client.send(*events, library="python-tests/1")
    client.send(events[10], library="python-tests/1")

    flag = client.flags()["f"]
    counted = {it.variant: (it.profile_count, it.exposure_count) for it in flag.variants}
    assert counted == {"off": (5, 5), "on": (6, 6)}
    assert (flag.profile_count, flag.jumper_count) == (10, 1)

    queries = client.stubs.exposure_query_service_pb2
    request = queries.GetFlagExposuresRequest(flag_key="f", time_zone="Asia/Kolkata")
    series = client.call(client.queries.GetFlagExposures, request)
    assert (series.profile_count, series.jumper_count, len(series.buckets)) == (10, 1, 10)
    assert all((bucket.start_time_us + 19_800_000_000) % DAY == 0 for bucket in series.buckets), "half past six in UTC"
    last = {it.variant: it.cumulative_profile_count for it in series.buckets[-1].variants}
    assert last == {"off": 5, "on": 6}

    rows = {(row.kind, row.event_type): (row.event_count, row.billable_count) for row in client.usage_rows()}
    exposures = [counts for (kind, _), counts in rows.items() if kind == "exposure"]
    assert exposures == [(11, 0)], "the duplicate counts once, and none is billable"
    assert rows["track", "purchase"] == (1, 1)
    assert [counts for (kind, _), counts in rows.items() if kind == "identify"] == [(1, 0)]
    over_http = requests.get(f"{server.url}/v1/usage", headers=server.headers, timeout=30).json()["rows"]
    assert sum(row["events"] for row in over_http) == 13
    assert {row["library"] for row in over_http} == {"python-tests/1"}


def test_stream_acknowledges_in_order_and_grants_credit(client: Client):
    stream, n_batches, n_events = Stream(client), 200, 5
    credit = sent = 0
    acknowledged, rejected = [], []
    for answer in stream.answers:
        match answer.WhichOneof("message"):
            case "credit":
                credit += answer.credit.batch_count
            case "acknowledgement":
                acknowledged.append(answer.acknowledgement.batch_id)
                assert len(answer.acknowledgement.outcomes) == n_events
                # What is acknowledged can be read.
                user = f"user-{answer.acknowledgement.batch_id}"
                if len(acknowledged) % 50 == 1:
                    assert client.properties_of(user_id=user)[1] == {f"f-{n}": "on" for n in range(1, n_events)}
                rejected += [it for it in answer.acknowledgement.outcomes if it.WhichOneof("result") == "rejected"]
            case other:
                pytest.fail(f"{other}: {answer}")
        while credit and sent < n_batches:
            credit, number = credit - 1, 1000 - sent
            flags = [None, *(f"f-{n}" for n in range(1, n_events))]
            stream.send(number, *(client.exposure(flag, "on", user_id=f"user-{number}", time_us=T0) for flag in flags))
            sent += 1
        if len(acknowledged) == n_batches:
            stream.close()
    assert acknowledged == [1000 - number for number in range(n_batches)]
    assert {exposure_client.code(it.rejected) for it in rejected} == {"MISSING"} and len(rejected) == n_batches
    assert stream.answers.code() == grpc.StatusCode.OK


def test_a_stream_that_sends_past_its_credit_is_told(client: Client):
    stream = Stream(client)
    for number in range(10_000):
        stream.send(number, client.exposure("f", "on", user_id=f"user-{number}", time_us=T0))
    told = refused(lambda: stream.answers)
    stream.close()
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"), told
    assert "credit" in told.message
    assert client.properties_of(user_id="user-0")[1] == {"f": "on"}, "what came before is stored"


def test_watch_from_a_snapshot_and_from_a_cursor_over_a_restart(
    start_server: Callable[..., Server], stubs, tmp_path
):
    server = start_server(data_dir=tmp_path / "data")
    with Client(stubs, server.grpc, server.api_key) as client:
        client.send(
            client.exposure("f", "on", user_id="user-1", time_us=T0),
            client.exposure("g", "blue", user_id="user-1", time_us=T0),
            client.exposure("f", "off", user_id="user-2", time_us=T0),
            client.exposure("g", "gone", user_id="user-2", time_us=T0),
            client.exposure("g", None, user_id="user-2", time_us=T0 + 1),
        )
        *entries, done = watch(client, 4, snapshot=True)
        found = [(it.snapshot_entry.profile, it.snapshot_entry.property) for it in entries]
        found = [(profile, it.flag_key, it.variant) for profile, it in found]
        assert sorted(found) == [("user:user-1", "f", "on"), ("user:user-1", "g", "blue"), ("user:user-2", "f", "off")]
        assert done.snapshot_done.entry_count == 3
        assert all(entry.cursor == b"" for entry in entries) and done.cursor

        client.send(
            client.exposure("f", "off", user_id="user-1", time_us=T0 + 10),
            client.exposure("f", "stale", user_id="user-1", time_us=T0 + 9),
            client.exposure("g", None, user_id="user-1", time_us=T0 + 10),
        )
        first = watch(client, 2, cursor=done.cursor)
        assert [change(it) for it in first] == [("user:user-1", "f", "off"), ("user:user-1", "g", None)]
        # The rest is not read before the server is gone.
        client.send(client.exposure("f", "three", user_id="user-3", time_us=T0 + 11))
        client.send(client.exposure("anonymous", "yes", device_id="device-1", time_us=T0 + 12))
    server.kill()

    server.start()
    with Client(stubs, server.grpc, server.api_key) as client:
        pb = stubs.event_pb2
        client.send(pb.Event(user_id="user-1", device_id="device-1", identify=pb.Identify(), time_us=T0 + 13))
        entries = watch(client, 5, cursor=done.cursor)
        assert [change(it) for it in entries[:2]] == [change(it) for it in first], "the same once more"
        again = watch(client, 3, cursor=entries[1].cursor)
        assert [change(it) for it in again[:2]] == [
            ("user:user-3", "f", "three"),
            ("device:device-1", "anonymous", "yes"),
        ]
        state: dict[tuple[str, str], str | None] = {}
        causes = set()
        for entry in watch(client, 6, cursor=done.cursor):
            profile, flag, variant = change(entry)
            state[profile, flag] = variant
            causes.add(exposure_client.name(entry.property_change, "cause"))
        assert causes == {"write", "link"}
        assert state == {
            ("user:user-1", "f"): "off",
            ("user:user-1", "g"): None,
            ("user:user-3", "f"): "three",
            ("device:device-1", "anonymous"): None,
            ("user:user-1", "anonymous"): "yes",
        }


def test_a_watch_sees_what_happens_while_it_waits(client: Client):
    seen: queue.SimpleQueue = queue.SimpleQueue()
    pb = client.stubs.property_service_pb2
    request = pb.WatchUserPropertiesRequest(snapshot=True)
    call = client.properties.WatchUserProperties(request, metadata=client.metadata, timeout=60)

    def read() -> None:
        try:
            for entry in call:
                seen.put(entry)
        except grpc.RpcError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert seen.get(timeout=30).WhichOneof("entry") == "snapshot_done"
        for number in range(20):
            client.send(client.exposure("f", f"v-{number}", user_id="user-1", time_us=T0 + number))
        changes = []
        while len(changes) < 20:
            entry = seen.get(timeout=30)
            if entry.WhichOneof("entry") != "progress":
                changes.append(change(entry))
        assert changes == [("user:user-1", "f", f"v-{number}") for number in range(20)]
    finally:
        call.cancel()
        reader.join(30)


@pytest.fixture
def other(client: Client, server: Server, stubs) -> Iterator[Client]:
    """A client of another project of the same server."""
    key = client.create_project("other")
    with Client(stubs, server.grpc, key) as other:
        yield other


def test_another_projects_data_is_never_visible(client: Client, other: Client):
    client.send(client.exposure("f", "on", user_id="user-1", device_id="device-1", time_us=T0, insert_id="i"))
    client.send(client.exposure(None, "on", user_id="user-1"))
    assert [len(it) for it in (client.flags(), client.usage_rows(), client.rejected())] == [1, 1, 1]

    assert other.properties_of(user_id="user-1") == ("user:user-1", {})
    assert other.properties_of(device_id="device-1") == ("device:device-1", {})
    assert other.flags() == {} and other.usage_rows() == [] and other.rejected() == []
    explained = other.explain("f", user_id="user-1")
    assert not explained.HasField("decided_by") and not explained.lost and not explained.links
    queries, admin = other.stubs.exposure_query_service_pb2, other.stubs.admin_service_pb2
    listed = other.call(other.queries.ListProfiles, queries.ListProfilesRequest(flag_key="f"))
    assert not listed.profiles
    assert watch(other, 1, snapshot=True)[0].snapshot_done.entry_count == 0
    cursor = watch(client, 2, snapshot=True)[1].cursor
    client.send(client.exposure("f", "secret", user_id="user-2", time_us=T0))

    # The same insert_id, user and flag there are something else.
    (outcome,) = other.send(other.exposure("f", "off", user_id="user-1", time_us=T0 + 1, insert_id="i"))
    assert effects(outcome) == [("f", "set")]
    own = watch(other, 1, cursor=cursor)
    assert [change(it) for it in own] == [("user:user-1", "f", "off")], "another project's cursor shows nothing of it"
    other.call(other.admin.EraseUser, admin.EraseUserRequest(user_id="user-1"))
    assert other.properties_of(user_id="user-1")[1] == {}
    assert client.properties_of(user_id="user-1")[1] == {"f": "on"}


def test_scopes_and_revocation(client: Client, server: Server, stubs):
    admin, usage = stubs.admin_service_pb2, stubs.usage_service_pb2
    event = client.exposure("f", "on", user_id="user-1", time_us=T0)
    made = {scope: client.create_key(scope) for scope in ("INGEST", "READ", "ADMIN")}
    clients = {scope: Client(stubs, server.grpc, key.secret) for scope, key in made.items()}
    calls = {
        "INGEST": lambda it: it.send(event),
        "READ": lambda it: it.call(it.usage.GetUsage, usage.GetUsageRequest()),
        "ADMIN": lambda it: it.call(it.admin.ListApiKeys, admin.ListApiKeysRequest()),
    }
    for scope, one in clients.items():
        for needed, call in calls.items():
            if scope == needed:
                call(one)
                continue
            told = refused(call, one)
            assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"), told
            assert needed.lower() in told.message, told
    for call in (lambda: clients["INGEST"].properties_of(user_id="user-1"), lambda: watch(clients["INGEST"], 1)):
        assert refused(call).code == grpc.StatusCode.PERMISSION_DENIED
    assert refused(clients["INGEST"].send, event, import_options={"received_us": T0}).reason == "PERMISSION_DENIED"
    over_http = requests.get(
        f"{server.url}/v1/properties?user_id=user-1",
        headers={"authorization": f"Bearer {made['INGEST'].secret}"},
        timeout=30,
    )
    assert (over_http.status_code, over_http.json()["error"]["code"]) == (403, "PERMISSION_DENIED")

    stream = Stream(clients["INGEST"])
    assert next(stream.answers).WhichOneof("message") == "credit"
    revoked = made["INGEST"].api_key.key_id
    answer = client.call(client.admin.RevokeApiKey, admin.RevokeApiKeyRequest(key_id=revoked))
    assert answer.api_key.revoke_time_us > answer.api_key.create_time_us
    told = refused(clients["INGEST"].send, event)
    assert (told.code, told.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"), told
    stream.send(1, event)
    assert refused(lambda: stream.answers).code == grpc.StatusCode.UNAUTHENTICATED
    stream.close()
    keys = client.call(client.admin.ListApiKeys, admin.ListApiKeysRequest()).api_keys
    assert [key.key_id for key in keys if key.HasField("revoke_time_us")] == [revoked]
    for one in clients.values():
        one.channel.close()


def test_projects_keys_and_rejected_events(client: Client, other: Client):
    admin = client.stubs.admin_service_pb2
    projects = client.call(client.admin.ListProjects, admin.ListProjectsRequest()).projects
    assert [it.project_id for it in projects] == ["default", "other"]
    told = refused(client.create_project, "other")
    assert told.code in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.INVALID_ARGUMENT), told
    assert refused(client.create_project, "Not A Name").fields == ["project_id"]

    bad = [
        client.exposure(None, "on", user_id="user-1", time_us=T0),
        client.exposure("f", "on", user_id="anonymous", time_us=T0),
        client.exposure("f", "on", time_us=T0),
        client.exposure("f" * 1025, "on", user_id="user-1", time_us=T0),
    ]
    for event in bad:
        assert client.send(event, library="buggy/1")[0].WhichOneof("result") == "rejected"
    client.send(client.exposure("f", "on", user_id="user-1", time_us=T0), library="fine/1")
    logged = [(exposure_client.code(it), it.field, it.library) for it in client.rejected()]
    assert logged == [
        ("TOO_LONG", "flag_key", "buggy/1"),
        ("MISSING", "user_id", "buggy/1"),
        ("INVALID", "user_id", "buggy/1"),
        ("MISSING", "flag_key", "buggy/1"),
    ]
    errors = client.stubs.error_pb2
    missing = client.rejected(code=errors.ERROR_CODE_MISSING)
    assert [it.field for it in missing] == ["user_id", "flag_key"]
    assert client.rejected(library="fine/1") == []
    senders = client.call(client.admin.ListSenders, admin.ListSendersRequest()).senders
    counts = {it.library: (it.received_count, it.accepted_count, it.rejected_count) for it in senders}
    assert counts == {"buggy/1": (4, 0, 4), "fine/1": (1, 1, 0)}
    assert client.rejected(page_size=1)[0].message


def test_erase(client: Client):
    admin = client.stubs.admin_service_pb2
    client.send(
        client.exposure("f", "on", user_id="user-1", device_id="device-1", time_us=T0),
        client.exposure("f", "on", user_id="user-2", device_id="shared", time_us=T0),
        client.exposure("f", "on", user_id="user-1", device_id="shared", time_us=T0 + 1),
        client.exposure("g", "on", device_id="device-1", time_us=T0),
    )
    done = watch(client, 4, snapshot=True)[-1]
    assert done.WhichOneof("entry") == "snapshot_done"
    answer = client.call(client.admin.EraseUser, admin.EraseUserRequest(user_id="user-1"))
    assert answer.device_count == 1, "the device that somebody else was seen on stays"
    assert client.properties_of(user_id="user-1")[1] == {}
    assert client.properties_of(device_id="device-1") == ("device:device-1", {})
    assert client.properties_of(device_id="shared") == ("user:user-2", {"f": "on"})
    assert client.flags()["f"].profile_count == 1
    explained = client.explain("f", user_id="user-1")
    assert not explained.HasField("decided_by") and not explained.lost and not explained.links

    (outcome,) = client.send(client.exposure("f", "on", user_id="user-1", time_us=T0 + 5))
    assert (exposure_client.code(outcome.rejected), outcome.rejected.field) == ("ERASED", "user_id")
    (outcome,) = client.send(client.exposure("f", "new", user_id="user-1", time_us=answer.erase_time_us + 1))
    assert effects(outcome) == [("f", "set")]
    assert client.properties_of(user_id="user-1")[1] == {"f": "new"}
    entry = watch(client, 1, cursor=done.cursor)[0]
    assert entry.profile_erased.profile == "user:user-1"
    assert entry.profile_erased.erase_time_us == answer.erase_time_us


@pytest.mark.parametrize("key", [None, "", "wrong", "python-tests-key-0123456788", "é"])
def test_wrong_and_missing_keys(key: str | None, shared_server: Server, stubs):
    with Client(stubs, shared_server.grpc, None) as client:
        if key is not None:
            client.metadata = [("authorization", f"Bearer {key}".encode() if not key.isascii() else f"Bearer {key}")]
        if key == "é":
            client.metadata = [("x-api-key", "%C3%A9")]
        event = client.exposure("f", "on", user_id="user-1", time_us=T0)
        usage, admin = stubs.usage_service_pb2, stubs.admin_service_pb2
        for call in (
            lambda: client.send(event),
            lambda: client.properties_of(user_id="user-1"),
            lambda: client.explain("f", user_id="user-1"),
            lambda: client.call(client.usage.GetUsage, usage.GetUsageRequest()),
            lambda: client.call(client.admin.ListProjects, admin.ListProjectsRequest()),
            lambda: watch(client, 1, snapshot=True),
            lambda: Stream(client).answers,
        ):
            told = refused(call)
            assert (told.code, told.reason, told.domain) == (
                grpc.StatusCode.UNAUTHENTICATED,
                "UNAUTHENTICATED",
                "exposure",
            ), told
    headers = {} if key is None else {"authorization": f"Bearer {key}".encode()}
    answer = requests.get(f"{shared_server.url}/v1/flags", headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


def test_bytes_that_are_no_protobuf(client: Client):
    for method in ("IngestService/Ingest", "PropertyService/GetUserProperties", "AdminService/CreateProject"):
        raw = client.channel.unary_unary(f"/exposure.v1.{method}")
        for request in (b"\x0a\xff\x01", b"\x0c", b"not a message"):
            told = refused(raw, request, metadata=client.metadata, timeout=30)
            assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID"), (method, told)
    raw = client.channel.stream_stream("/exposure.v1.IngestService/IngestStream")
    told = refused(raw, iter([b"\x0a\xff\x01"]), metadata=client.metadata, timeout=30)
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID"), told
    (outcome,) = client.send(client.exposure("f", "on", user_id="user-1", time_us=T0))
    assert effects(outcome) == [("f", "set")], "the server goes on"


def test_batches_over_the_limit(client: Client, stubs):
    event = client.exposure("f", "on", user_id="user-1", time_us=T0)
    info = client.call(client.admin.GetServerInfo, stubs.admin_service_pb2.GetServerInfoRequest())
    assert info.store == "embedded" and info.effects == "exact"
    many = [event] * (info.max_batch_event_count + 1)
    told = refused(client.send, *many)
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE"), told
    assert str(info.max_batch_event_count) in told.message
    huge = client.exposure("f", "on", user_id="user-1", time_us=T0, metadata="x" * info.max_request_bytes)
    told = refused(client.send, huge)
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE"), told
    assert client.usage_rows() == [], "nothing of them was stored"

    stream = Stream(client)
    assert next(stream.answers).WhichOneof("message") == "credit"
    stream.send(7, *many)
    stream.send(8, event)
    stream.close()
    answers = [it for it in stream.answers if it.WhichOneof("message") != "credit"]
    assert [it.WhichOneof("message") for it in answers] == ["refusal", "acknowledgement"]
    assert (answers[0].refusal.batch_id, answers[1].acknowledgement.batch_id) == (7, 8)
    assert exposure_client.code(answers[0].refusal) == "BATCH_TOO_LARGE"
    assert not answers[0].refusal.HasField("retry_delay_ms"), "sending it again is of no use"

    request = stubs.property_service_pb2.BatchGetUserPropertiesRequest(
        profiles=[stubs.property_service_pb2.ProfileRef(user_id="u")] * 1001
    )
    told = refused(client.call, client.properties.BatchGetUserProperties, request)
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE"), told
    told = refused(client.properties_of)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT and told.fields, told
    told = refused(client.explain, "", user_id="u")
    assert (told.reason, told.fields) == ("MISSING", ["flag_key"]), told
