#!/usr/bin/env python3
"""Writes tests/data/expected/*.json: what each recorded Amplitude upload says.

A second reading of the rules, in another language and from the recordings alone, for the
tests to compare with. Run it from anywhere; it needs Python's standard library only:

    python3 crates/exposure-formats/tests/data/expect.py
"""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
CAPTURES = HERE.parents[3] / "tests" / "captures"
PREFIX = "[Experiment] "


def main():
    out = HERE / "expected"
    out.mkdir(exist_ok=True)
    for path in sorted(CAPTURES.glob("amplitude-*.json")):
        capture = json.loads(path.read_text(encoding="utf-8"))
        uploads = [upload(r) for r in capture["requests"] if is_upload(r)]
        text = json.dumps(uploads, indent=1, ensure_ascii=False, sort_keys=True)
        (out / path.name).write_text(text + "\n", encoding="utf-8")


def is_upload(request):
    path = request["path"].split("?")[0]
    return request["method"] == "POST" and path in ("/2/httpapi", "/batch")


def upload(request):
    body = request["body"]
    return {
        "received_ms": request["t_ms"],
        "api_key": body["api_key"],
        "min_id_length": body.get("options", {}).get("min_id_length"),
        "events": [event(index, e) for index, e in enumerate(body["events"])],
    }


def event(index, e):
    """One event: a flat record of what is to be stored of it."""
    properties = e.get("event_properties") or {}
    metadata = properties.get("metadata") or {}
    record = {
        "user_id": e.get("user_id"),
        "device_id": e.get("device_id"),
        "insert_id": e.get("insert_id"),
        "time_ms": e.get("time"),
        "sequence": e["event_id"] if e.get("event_id") is not None else index,
        "library": e.get("library", ""),
        "event_type": e["event_type"],
        "flag": None,
        "variant": None,
        "experiment_key": None,
        "payload": e.get("event_properties"),
    }
    operations = e.get("user_properties") or {}
    sets, unsets, ignored = property_operations(operations)
    ignored = ignored or bool(e.get("group_properties"))
    kind = kind_of(e["event_type"], metadata)
    if kind in ("exposure", "impression"):
        flag, variant, experiment_key = exposure_parts(properties)
        record.update(flag=flag, variant=variant, experiment_key=experiment_key)
        record["event_type"] = PREFIX + kind.capitalize()
        record["payload"] = properties.get("metadata")
        # The exposure's own variant is the write, whatever the operations repeat of it.
        sets.pop(flag, None)
        unsets.discard(flag)
        if metadata.get("flagType") != "mutual-exclusion-group":
            if variant:
                sets[flag] = variant
            else:
                unsets.add(flag)
    elif kind == "assignment":
        for name, value in properties.items():
            if name.endswith(".variant") and isinstance(value, str) and value:
                flag = name.removesuffix(".variant").removeprefix(PREFIX)
                if value == "off" and flag in unsets:
                    continue
                sets.setdefault(flag, value)
    elif kind == "group":
        record["event_type"] = "$group"
    record["kind"] = kind
    record["ignored_properties"] = ignored
    writes = {flag: None for flag in unsets}
    writes.update(sets)
    record["writes"] = writes
    record["stored"] = metadata.get("trackExposure") is not False
    return record


def kind_of(event_type, metadata):
    named = {
        "$exposure": "exposure",
        "[Experiment] Exposure": "exposure",
        "$impression": "impression",
        "[Experiment] Impression": "impression",
        "[Experiment] Assignment": "assignment",
        "$identify": "identify",
        "$groupidentify": "group",
    }
    if event_type in named:
        return named[event_type]
    return "impression" if metadata.get("exposureEvent") == event_type else "track"


def exposure_parts(properties):
    if properties.get(PREFIX + "Flag Key") is not None:
        names = (PREFIX + "Flag Key", PREFIX + "Variant", PREFIX + "Experiment Key")
    elif properties.get("flag_key") is not None:
        names = ("flag_key", "variant", "experiment_key")
    else:
        names = ("key", "variant", "")
    flag, variant, experiment_key = (properties.get(name) or None for name in names)
    return flag, variant, experiment_key


def property_operations(operations):
    """The flags set and unset by user properties, and whether there was anything else."""
    sets, unsets, ignored = {}, set(), False
    for name, value in operations.items():
        if name == "$set":
            for key, variant in value.items():
                if not key.startswith(PREFIX):
                    ignored = True
                elif isinstance(variant, str) and variant:
                    sets[key.removeprefix(PREFIX)] = variant
        elif name == "$unset":
            for key, variant in value.items():
                if not key.startswith(PREFIX):
                    ignored = True
                elif isinstance(variant, str) and variant:
                    unsets.add(key.removeprefix(PREFIX))
        elif name.startswith(PREFIX):
            if isinstance(value, str) and value:
                sets.setdefault(name.removeprefix(PREFIX), value)
        else:
            ignored = True
    return sets, unsets, ignored


if __name__ == "__main__":
    main()
