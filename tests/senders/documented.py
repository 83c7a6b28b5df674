"""Uploads of SDKs that do not run here, in the forms their sources say they send, and what those do with an answer.

The story is that of node/story.mjs, told on phones by the analytics SDKs for Android and iOS with the experiment SDKs
beside them, and on servers by the experiment SDK for the JVM.
"""

import dataclasses
import gzip
import json
import time
import uuid
from collections.abc import Callable

import requests

DAY_MS = 86_400_000
ATTEMPTS = 5


@dataclasses.dataclass
class Step:
    """One event of the story. Without a flag it is an identify, or a purchase."""

    user: str | None
    device: str | None = None
    flag: str | None = None
    variant: str | None = None
    insert_id: str | None = None
    purchase: bool = False


def story(*, bad: str) -> list[Step]:
    """The steps; `bad` is the id of the bad event's user."""
    steps = [Step("set-user", flag="checkout", variant="treatment")]
    steps += [Step("unset-user", flag="checkout", variant=variant) for variant in ["treatment", None]]
    steps += [Step("flip-user", flag="checkout", variant=variant) for variant in ["a", "b", "a"]]
    twice = Step("duplicate-user", flag="checkout", variant="treatment", insert_id="the-same-id-twice")
    steps += [twice, twice]
    steps += [Step(user, flag="checkout", variant="treatment") for user in ["good-user-1", bad, "good-user-2"]]
    steps.append(Step(None, "anonymous-device", flag="banner", variant="on"))
    steps.append(Step("login-user", "anonymous-device"))
    steps.append(Step("login-user", "anonymous-device", flag="checkout", variant="treatment"))
    steps.append(Step("set-user", purchase=True))
    return steps


def phone_event(step: Step, now: int, number: int, phone: dict[str, object]) -> dict:
    """An event as both phones have it; `phone` is what each of them adds."""
    event = {"user_id": step.user, "device_id": step.device or f"{step.user}-device", "time": now}
    event |= {"insert_id": step.insert_id or str(uuid.uuid4()), "event_id": number, "session_id": now - 1000}
    event |= {"event_properties": {}, "user_properties": {}}
    if step.flag is not None:
        metadata = {"deployed": True, "experimentKey": "run-1", "flagType": "experiment", "flagVersion": 1}
        exposure = {"flag_key": step.flag, "experiment_key": "run-1", "metadata": metadata}
        exposure |= {} if step.variant is None else {"variant": step.variant}
        event |= {"event_type": "$exposure", "event_properties": exposure}
    elif step.purchase:
        event |= {"event_type": "purchase", "event_properties": {"price": 1}}
    else:
        event |= {"event_type": "$identify", "user_properties": {"$set": {"plan": "pro"}}}
    return event | phone


def android_event(step: Step, now: int, number: int) -> dict:
    """Amplitude-Kotlin leaves out what is absent, and has every kind of properties."""
    phone = {"platform": "Android", "os_name": "android", "ip": "$remote", "groups": {}, "group_properties": {}}
    event = phone_event(step, now, number, phone | {"library": "amplitude-analytics-android/1.16.8"})
    return {name: value for name, value in event.items() if value is not None}


def ios_event(step: Step, now: int, number: int) -> dict:
    """Amplitude-Swift names what is absent as null."""
    absent = dict.fromkeys(["location_lat", "city", "carrier", "idfa", "revenue", "price", "product_id", "partner_id"])
    return phone_event(step, now, number, absent | {"platform": "iOS", "library": "amplitude-swift/1.18.6"})


def jvm_event(step: Step, now: int, _: int) -> dict:
    """experiment-jvm-server through java-sdk: insert ids of user, device, a hash of what was evaluated, and day."""
    absent = dict.fromkeys(["app_version", "platform", "country", "event_id", "price", "revenue", "plan"])
    event = absent | {"user_id": step.user, "device_id": step.device, "time": now, "session_id": -1, "groups": {}}
    event |= {"library": "amplitude-java/1.12.3"}
    variant = step.variant or "off"
    evaluated = f"{step.user or ''} {step.device or ''} {step.flag} {variant} "
    name = f"[Experiment] {step.flag}"
    if step.variant is None:
        properties = {f"{step.flag}.variant": "off", f"{step.flag}.details": "v1 rule:All Other Users"}
        operations = {"$set": {}, "$unset": {name: "-"}}
        event |= {"event_type": "[Experiment] Assignment"}
    else:
        evaluated = f"{step.flag} {evaluated}"
        metadata = {"deployed": True, "evaluationMode": "local", "flagType": "experiment", "flagVersion": 1}
        properties = {"[Experiment] Flag Key": step.flag, "[Experiment] Variant": variant, "metadata": metadata}
        operations = {"$set": {name: variant}, "$unset": {}}
        event |= {"event_type": "[Experiment] Exposure"}
    insert_id = f"{step.user or 'null'} {step.device or 'null'} {java_hash(evaluated)} {now // DAY_MS}"
    return event | {"event_properties": properties, "user_properties": operations, "insert_id": insert_id}


def java_hash(text: str) -> int:
    """`String.hashCode`: of UTF-16 units, with a sign."""
    encoded = text.encode("utf-16-be")
    value = 0
    for at in range(0, len(encoded), 2):
        value = (value * 31 + int.from_bytes(encoded[at : at + 2], "big")) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def upload(
    url: str,
    key: str,
    steps: list[Step],
    make: Callable[[Step, int, int], dict],
    *,
    options: dict | None = None,
    compressed: bool = False,
) -> list[int]:
    """Sends a story as one upload, until it is taken; gives the statuses. Of a 400, what it names is dropped."""
    start = int(time.time() * 1000) - 1000
    events = [make(step, start + 5 * number, number) for number, step in enumerate(steps)]
    headers = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
    statuses = []
    for _ in range(ATTEMPTS):
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        body = {"api_key": key, "client_upload_time": now, "events": events}
        body |= {} if options is None else {"options": options}
        content = json.dumps(body, ensure_ascii=False).encode()
        if compressed:
            content = gzip.compress(content)
            headers["Content-Encoding"] = "gzip"
        answer = requests.post(f"{url}/2/httpapi", content, headers=headers, timeout=30)
        told = answer.json()
        assert told["code"] == answer.status_code, "SDKs read either of them"
        statuses.append(answer.status_code)
        if answer.status_code == 200:
            assert told.keys() >= {"events_ingested", "payload_size_bytes", "server_upload_time"}
            break
        assert answer.status_code == 400, told
        # These SDKs do not know the list of ids of a wrong length, and would send the same again and again.
        named = [told.get(name, {}) for name in ["events_with_invalid_fields", "events_with_missing_fields"]]
        dropped = {index for fields in named for indexes in fields.values() for index in indexes}
        assert dropped, told
        events = [event for index, event in enumerate(events) if index not in dropped]
    return statuses
