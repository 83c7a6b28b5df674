"""What every SDK is made to say, in the same order (node/story.mjs tells the same), and what a program is given.

An adapter has `expose(who, flag, variant, insert_id=None)`, where no variant says that the user left the experiment,
and may have `identify(who)`, `purchase(who)` and `bad(who)`. `who` has `user`, `device`, or both.
"""

import dataclasses
import importlib.metadata
import json
import sys
import time

URL, KEY, FLAGS, *MORE = sys.argv[1:]


@dataclasses.dataclass(frozen=True)
class Who:
    """A user, a device, or a user on a device."""

    user: str | None = None
    device: str | None = None


def pause(milliseconds: int = 5) -> None:
    """Lets the clock move on, so that no two events of one user have the same millisecond."""
    time.sleep(milliseconds / 1000)


def tell(sdk, *, cannot: set[str] = frozenset()) -> None:
    """Drives an adapter through the story, but for the steps it has no way to say."""

    def expose(*event, **options) -> None:
        sdk.expose(*event, **options)
        pause()

    expose(Who("set-user"), "checkout", "treatment")

    if "unset" not in cannot:
        expose(Who("unset-user"), "checkout", "treatment")
        expose(Who("unset-user"), "checkout", None)

    for variant in ["a", "b", "a"]:
        expose(Who("flip-user"), "checkout", variant)

    if "duplicate" not in cannot:
        for _ in range(2):
            expose(Who("duplicate-user"), "checkout", "treatment", insert_id="the-same-id-twice")

    expose(Who("good-user-1"), "checkout", "treatment")
    if "bad" not in cannot:
        sdk.bad(Who("bad-user"))
        pause()
    expose(Who("good-user-2"), "checkout", "treatment")

    if "anonymous" not in cannot:
        expose(Who(device="anonymous-device"), "banner", "on")
        if hasattr(sdk, "identify"):
            sdk.identify(Who("login-user", "anonymous-device"))
            pause()
        expose(Who("login-user", "anonymous-device"), "checkout", "treatment")

    if hasattr(sdk, "purchase"):
        sdk.purchase(Who("set-user"))


def report(package: str, **told) -> None:
    """Tells the SDK's version, and more, as the program's last line."""
    print(json.dumps({"sdk": package, "version": importlib.metadata.version(package), **told}), flush=True)
