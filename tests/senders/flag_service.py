"""Who serves flags to the SDKs: their vendors' side, which is no part of the server.

A flag gives whatever variant a user asks for by its property `wants`, and the default, `off`, when it asks for none.
Everything else is handed on to a server, where there is one: some SDKs know a single host for flags and events.
"""

import base64
import gzip
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FLAGS = ["banner", "checkout"]
VARIANTS = ["a", "b", "on", "treatment"]
EXPERIMENT_KEY = "run-1"
# Headers of one connection, which a gateway does not hand on.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


def amplitude_flags() -> list[dict]:
    """Flags for SDKs that evaluate by themselves."""
    wants = ["context", "user", "user_properties", "wants"]
    segments = [{"conditions": [[{"selector": wants, "op": "is", "values": [it]}]], "variant": it} for it in VARIANTS]
    variants = {it: {"key": it, "value": it} for it in VARIANTS}
    variants["off"] = {"key": "off", "metadata": {"default": True}}
    metadata = amplitude_metadata() | {"evaluationMode": "local"}
    return [
        {"key": flag, "metadata": metadata, "variants": variants, "segments": [*segments, {"variant": "off"}]}
        for flag in FLAGS
    ]


def amplitude_variants(user: dict) -> dict:
    """Variants of a user, for SDKs that have them evaluated."""
    wants = user.get("user_properties", {}).get("wants")
    metadata = amplitude_metadata() | {"evaluationMode": "remote"}
    if wants is None:
        variant = {"key": "off", "metadata": metadata | {"default": True}}
    else:
        variant = {"key": wants, "value": wants, "metadata": metadata}
    return {flag: variant for flag in FLAGS}


def amplitude_metadata() -> dict:
    return {"deployed": True, "experimentKey": EXPERIMENT_KEY, "flagType": "experiment", "flagVersion": 1}


def posthog_flags(wants: str | None, form: str) -> dict:
    """Flags of a user; in the fourth form they name the rule of an experiment, which is what exposures are told by."""
    flags = {}
    for number, flag in enumerate(FLAGS, 1):
        record = {"key": flag, "enabled": wants is not None, "variant": wants, "value": wants}
        record["reason"] = {"code": "condition_match", "condition_index": 0, "description": "Matched"}
        record["metadata"] = {"id": number, "version": 1, "payload": None}
        if form == "4":
            record["reason"]["code"] = "experiment_split"
            rule_id = f"0199aaaa-0000-7000-8000-00000000000{number}"
            record["metadata"] |= {"config_version": 2, "rule_type": "experiment", "rule_id": rule_id}
            record["metadata"] |= {"variant_key": wants, "has_experiment": True}
        flags[flag] = record
    return {"flags": flags, "errorsWhileComputingFlags": False, "requestId": "0199aaaa-0000-7000-8000-00000000000f"}


def growthbook_features(*more: str) -> dict:
    """Features with one experiment for each variant, all of whose traffic gets it."""
    meta = [{"key": it} for it in VARIANTS]
    features = {}
    for flag in [*FLAGS, *more]:
        rules = [
            {
                "condition": {"wants": it},
                "key": flag,
                "hashAttribute": "id",
                "variations": VARIANTS,
                "weights": [float(it == other) for other in VARIANTS],
                "meta": meta,
            }
            for it in VARIANTS
        ]
        features[flag] = {"defaultValue": "off", "rules": rules}
    return {"status": 200, "features": features}


class Handler(BaseHTTPRequestHandler):
    """Answers what is known, hands on the rest."""

    protocol_version = "HTTP/1.1"
    server: "FlagService"

    def log_message(self, *_) -> None:
        """Keeps the tests' output their own."""

    def do_OPTIONS(self) -> None:
        if not self._hand_on_if_not_ours(b""):
            self._answer(200, b"")

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path.rstrip("/")
        answer = self._flags(path, body)
        if answer is not None:
            self._answer(200, json.dumps(answer).encode())
        elif not self._hand_on_if_not_ours(body):
            self._answer(404, b"{}")

    def _flags(self, path: str, body: bytes) -> object | None:
        if path == "/sdk/v2/flags":
            return amplitude_flags()
        if path in ("/sdk/vardata", "/sdk/v2/vardata"):
            encoded = self.headers.get("X-Amp-Exp-User")
            user = json.loads(base64.urlsafe_b64decode(encoded + "===") if encoded else body)
            variants = amplitude_variants(user)
            # The first form names no default.
            is_default = all(variant["key"] == "off" for variant in variants.values())
            return {} if is_default and path == "/sdk/vardata" else variants
        if path == "/flags":
            if body.startswith(b"\x1f\x8b"):
                body = gzip.decompress(body)
            wants = json.loads(body).get("person_properties", {}).get("wants")
            return posthog_flags(wants, "".join(parse_qs(urlsplit(self.path).query).get("v", [])))
        if path.startswith("/api/features/"):
            return growthbook_features("f" * 1025)
        return None

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while length := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _hand_on_if_not_ours(self, body: bytes) -> bool:
        if self.server.upstream is None:
            return False
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection = http.client.HTTPConnection(self.server.upstream, timeout=30)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except ConnectionRefusedError:
            # What gateways answer for a server that is down.
            self._answer(503, b"down")
        except (OSError, http.client.HTTPException):
            self._answer(502, b"gone amid the request")
        else:
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
            self._send(answer.status, kept, content)
        finally:
            connection.close()
        return True

    def _answer(self, status: int, content: bytes) -> None:
        headers = [("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*")]
        asked = self.headers.get("Access-Control-Request-Headers")
        if asked:
            headers.append(("Access-Control-Allow-Headers", asked))
        self._send(status, headers, content)

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.server.statuses.append(status)
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class FlagService(ThreadingHTTPServer):
    """Serves on a free port until closed. With `upstream`, a server's address, it is also a gateway to it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream: str | None = None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.statuses: list[int] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        """Stops serving."""
        self.shutdown()
        self.server_close()
