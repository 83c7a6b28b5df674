"""A client of one server and one key: stubs of every service, and the few requests that many tests make."""

import json
from collections.abc import Iterable
from types import SimpleNamespace

import grpc

# The details of a status are google.rpc messages, of which nothing but these members is needed: read by field number.
STATUS_DETAILS = "grpc-status-details-bin"


class Client:
    """All services over one connection, with a key on every call."""

    def __init__(self, stubs: SimpleNamespace, address: str, key: str | None, *, own_connection: bool = False):
        self.stubs, self.key = stubs, key
        # Channels to one address share a connection, unless told otherwise.
        self.channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", int(own_connection))])
        self.metadata = [("authorization", f"Bearer {key}")] if key is not None else []
        self.ingest = stubs.ingest_service_pb2_grpc.IngestServiceStub(self.channel)
        self.properties = stubs.property_service_pb2_grpc.PropertyServiceStub(self.channel)
        self.queries = stubs.exposure_query_service_pb2_grpc.ExposureQueryServiceStub(self.channel)
        self.usage = stubs.usage_service_pb2_grpc.UsageServiceStub(self.channel)
        self.admin = stubs.admin_service_pb2_grpc.AdminServiceStub(self.channel)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.channel.close()

    def call(self, method, request, timeout: float = 30):
        """Calls a method of a stub with our key."""
        return method(request, metadata=self.metadata, timeout=timeout)

    def send(self, *events, **options):
        """Sends events as one batch and gives their outcomes."""
        request = self.stubs.ingest_service_pb2.IngestRequest(events=events, **options)
        answer = self.call(self.ingest.Ingest, request)
        assert len(answer.outcomes) == len(events), "not one outcome for each event"
        return list(answer.outcomes)

    def properties_of(self, **ids) -> tuple[str, dict[str, str]]:
        """The profile that a user or device reads as, and its properties by flag."""
        request = self.stubs.property_service_pb2.GetUserPropertiesRequest(**ids)
        found = self.call(self.properties.GetUserProperties, request).user_properties
        return found.profile, {it.flag_key: it.variant for it in found.properties}

    def explain(self, flag_key: str, **ids):
        """Why a property is what it is."""
        request = self.stubs.exposure_query_service_pb2.ExplainRequest(flag_key=flag_key, **ids)
        return self.call(self.queries.Explain, request)

    def flags(self) -> dict:
        """Every flag of the project by its key."""
        request = self.stubs.exposure_query_service_pb2.ListFlagsRequest(page_size=1000)
        answer = self.call(self.queries.ListFlags, request)
        assert not answer.next_page_token
        return {flag.flag_key: flag for flag in answer.flags}

    def usage_rows(self) -> list:
        """All rows of usage."""
        answer = self.call(self.usage.GetUsage, self.stubs.usage_service_pb2.GetUsageRequest())
        assert not answer.next_page_token
        return list(answer.rows)

    def rejected(self, **options) -> list:
        """The rejected events, the latest first."""
        request = self.stubs.admin_service_pb2.ListRejectedEventsRequest(**options)
        return list(self.call(self.admin.ListRejectedEvents, request).events)

    def create_project(self, project_id: str) -> str:
        """Makes a project and gives a key of it with all scopes."""
        admin = self.stubs.admin_service_pb2
        self.call(self.admin.CreateProject, admin.CreateProjectRequest(project_id=project_id))
        return self.create_key("INGEST", "READ", "ADMIN", project_id=project_id).secret

    def create_key(self, *scopes: str, project_id: str = ""):
        """Makes a key with these scopes; its answer has the secret."""
        admin = self.stubs.admin_service_pb2
        scopes = [admin.Scope.Value(f"SCOPE_{scope}") for scope in scopes]
        return self.call(self.admin.CreateApiKey, admin.CreateApiKeyRequest(project_id=project_id, scopes=scopes))

    def exposure(self, flag_key: str | None = None, variant: str | None = None, *, metadata=None, writes=(), **event):
        """An event with an exposure; what is `None` is absent."""
        pb = self.stubs.event_pb2
        experiment_key = event.pop("experiment_key", None)
        exposure = pb.Exposure(
            flag_key=flag_key,
            variant=variant,
            experiment_key=experiment_key,
            metadata=None if metadata is None else json.dumps(metadata).encode(),
            writes=[pb.PropertyWrite(flag_key=flag, variant=value) for flag, value in writes],
        )
        return pb.Event(exposure=exposure, **event)


def notes(outcome) -> list[str]:
    """The notes of an outcome, in the words of tests/vectors."""
    values = outcome.accepted.DESCRIPTOR.fields_by_name["notes"].enum_type.values_by_number
    return [values[note].name.removeprefix("NOTE_").lower() for note in outcome.accepted.notes]


def code(rejected) -> str:
    """The code of a rejected event without the prefix of its enum."""
    return name(rejected, "code").upper()


def name(message, field: str) -> str:
    """The name of an enum's value without the enum's own prefix, in lower case: `set` of EFFECT_KIND_SET."""
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    value = enum.values_by_number[getattr(message, field)].name
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return value.removeprefix(prefix).lower()


class Refused:
    """What a failed call says: its code, the reason of its ErrorInfo, the fields of its BadRequest."""

    def __init__(self, error: grpc.RpcError):
        self.code, self.message = error.code(), error.details()
        self.reason, self.domain, self.fields = "", "", []
        packed = dict(error.trailing_metadata() or ()).get(STATUS_DETAILS, b"")
        for any_message in _fields(packed, 3):
            kind = _text(any_message, 1).rpartition(".")[2]
            (value,) = _fields(any_message, 2) or [b""]
            if kind == "ErrorInfo":
                self.reason, self.domain = _text(value, 1), _text(value, 2)
            elif kind == "BadRequest":
                self.fields += [_text(violation, 1) for violation in _fields(value, 1)]

    def __repr__(self) -> str:
        return f"{self.code.name} {self.reason} {self.fields}: {self.message}"


def refused(call, *args, **options) -> Refused:
    """Makes a call that must fail, and gives what it says."""
    try:
        answer = call(*args, **options)
        if not hasattr(answer, "DESCRIPTOR"):
            list(answer)
    except grpc.RpcError as error:
        return Refused(error)
    raise AssertionError(f"the call was answered: {answer}")


def _fields(message: bytes, number: int) -> list[bytes]:
    """The length-delimited fields of a number in an encoded message."""
    return [value for found, value in _all_fields(message) if found == number]


def _text(message: bytes, number: int) -> str:
    return b"".join(_fields(message, number)).decode()


def _all_fields(message: bytes) -> Iterable[tuple[int, bytes]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == 2:
            length, at = _varint(message, at)
            yield key >> 3, message[at : at + length]
            at += length
        elif key & 7 == 0:
            _, at = _varint(message, at)
        else:
            raise ValueError(f"wire type {key & 7}, which the details of a status do not have")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
