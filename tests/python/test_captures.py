"""What real SDKs sent to Amplitude, imported into a running server twice, with a crash in between."""

import importlib.util
import json
import pathlib
from collections import Counter
from collections.abc import Callable

import pytest
import requests

import exposure_process
from exposure_client import Client
from exposure_process import ROOT, Server
from spec_model import BILLABLE, DAY_MS, Model

EXPECT = ROOT / "crates" / "exposure-formats" / "tests" / "data" / "expect.py"
FILES = sorted((ROOT / "tests" / "captures").glob("amplitude-*.json"))


def reader():
    """The independent reading of the recordings that exposure-formats is tested with."""
    spec = importlib.util.spec_from_file_location("expect", EXPECT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shifted(path: pathlib.Path, out: pathlib.Path, n_days: int) -> pathlib.Path:
    """The capture as if recorded so many days earlier."""
    capture = json.loads(path.read_text(encoding="utf-8"))
    for request in capture["requests"]:
        request["t_ms"] -= n_days * DAY_MS
        if reader().is_upload(request):
            for event in request["body"]["events"]:
                if event.get("time") is not None:
                    event["time"] -= n_days * DAY_MS
    out = out / path.name
    out.write_text(json.dumps(capture), encoding="utf-8")
    return out


def receive(model: Model, path: pathlib.Path) -> Counter:
    """Puts a file into the model; what became of its events."""
    outcomes = Counter()
    for request in filter(reader().is_upload, json.loads(path.read_text(encoding="utf-8"))["requests"]):
        upload = reader().upload(request)
        for event in upload["events"]:
            shortest = upload["min_id_length"] or 5
            assert all(len(event[it]) >= shortest for it in ("user_id", "device_id") if event[it]), event
            outcomes[model.receive(event, upload["received_ms"])] += 1
    return outcomes


def import_files(server: Server, files: list[pathlib.Path]) -> list[dict]:
    """Imports the files at once; the counts of each."""
    where = ["--server", f"http://{server.grpc}", "--api-key", server.api_key]
    answer = exposure_process.run("import", "--format", "amplitude", "--json", *where, *map(str, files))
    assert answer.returncode == 0, answer.stderr
    summary = json.loads(answer.stdout)
    assert summary["unreadable"] == [] and summary["rejected"] == 0, summary
    assert [pathlib.Path(counts["file"]).name for counts in summary["files"]] == [path.name for path in files]
    assert summary["events"] == sum(counts["events"] for counts in summary["files"])
    return summary["files"]


def check(server: Server, client: Client, model: Model) -> None:
    """Every property of every profile, every count and all usage, over gRPC and HTTP, equal the model's."""
    expected = model.properties()
    pb = client.stubs.property_service_pb2
    assert expected
    for profile in sorted(model.profiles()):
        kind, _, id = profile.partition(":")
        assert client.properties_of(**{f"{kind}_id": id}) == (profile, expected.get(profile, {}))
        url = f"{server.url}/v1/properties"
        answer = requests.get(url, params={f"{kind}_id": id}, headers=server.headers, timeout=30).json()
        properties = {f"[Experiment] {flag}": variant for flag, variant in expected.get(profile, {}).items()}
        assert answer == {"profile": profile, "properties": properties}
    # And nothing else: the snapshot lists all there is.
    listed: dict[str, dict[str, str]] = {}
    request = pb.WatchUserPropertiesRequest(snapshot=True)
    for entry in client.properties.WatchUserProperties(request, metadata=client.metadata, timeout=30):
        if entry.WhichOneof("entry") == "snapshot_done":
            break
        it = entry.snapshot_entry
        listed.setdefault(it.profile, {})[it.property.flag_key] = it.property.variant
    assert listed == expected

    flags = {
        key: {it.variant: (it.profile_count, it.exposure_count) for it in flag.variants if it.exposure_count}
        for key, flag in client.flags().items()
    }
    assert {key: variants for key, variants in flags.items() if variants} == model.flags()
    usage, billable = Counter(), Counter()
    for row in client.usage_rows():
        usage[row.kind, row.library] += row.event_count
        billable[row.kind] += row.billable_count
    assert usage == model.usage()
    for kind, count in billable.items():
        assert count == (sum(n for (of, _), n in usage.items() if of == kind) if kind in BILLABLE else 0), kind


# Recordings get older: what they mean may not depend on the day on which they are imported.
@pytest.mark.parametrize("n_days_earlier", [0, 40])
def test_captures_imported_twice_with_a_crash_in_between(
    n_days_earlier: int, start_server: Callable[..., Server], stubs, tmp_path: pathlib.Path
):
    assert len(FILES) == 7
    files = [shifted(path, tmp_path, n_days_earlier) for path in FILES] if n_days_earlier else FILES
    server, model = start_server(data_dir=tmp_path / "data"), Model()

    for path, counts in zip(files, import_files(server, files), strict=True):
        outcomes = receive(model, path)
        assert (counts["accepted"], counts["duplicate"]) == (outcomes["accepted"], outcomes["duplicate"]), path.name
    assert len(model.profiles()) > len(FILES)
    with Client(stubs, server.grpc, server.api_key) as client:
        check(server, client, model)
    server.kill()

    server.start()
    with Client(stubs, server.grpc, server.api_key) as client:
        check(server, client, model)
        n_before = len(model.admitted)
        for path, counts in zip(files, import_files(server, files), strict=True):
            outcomes = receive(model, path)
            assert (counts["accepted"], counts["duplicate"]) == (outcomes["accepted"], outcomes["duplicate"]), path.name
        without_id = sum(not event["insert_id"] for event in model.admitted[:n_before])
        assert len(model.admitted) - n_before == without_id, "all but those without an insert_id are duplicates"
        check(server, client, model)
