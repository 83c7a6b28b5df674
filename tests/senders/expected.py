"""What must stand after the story that every sender program tells (node/story.mjs says it in full)."""

from reading import Reading

TREATMENT = {"checkout": "treatment"}
BOTH = TREATMENT | {"banner": "on"}


def check(
    reading: Reading,
    *,
    rejected: str,
    cannot: set[str] = frozenset(),
    flip: str = "a",
    flip_duplicates: int = 0,
    in_order: bool = True,
) -> None:
    """Compares properties and explanations with those of the story.

    `rejected` is the code of the bad event. `cannot` are steps the SDK has no way to say. `flip` is where the user
    stands who saw a, b and a again, and `flip_duplicates` how many of those three came under an id that had been there.
    Uploads of one user that are not `in_order` may come after those that decide.
    """

    def check_one(user: str, properties: dict[str, str], decided_by: str | None, lost=(), duplicates: int = 0) -> None:
        assert reading.properties(user_id=user) == (f"user:{user}", properties)
        why = reading.why("checkout", user_id=user)
        if not in_order:
            why["lost"] = [(variant, reason.replace("stale", "older")) for variant, reason in why["lost"]]
        assert why == {
            "profile": f"user:{user}",
            "variant": properties.get("checkout"),
            "decided_by": decided_by,
            "lost": list(lost),
            # A write with a user is that user's, on whatever device.
            "links": [],
            "duplicates": duplicates,
        }

    for user in ["set-user", "good-user-1", "good-user-2"]:
        check_one(user, TREATMENT, "treatment")

    assert reading.rejected() == {rejected: 1}
    assert reading.properties(user_id="bad-user")[1] == {}
    assert reading.properties(user_id="bad")[1] == {}

    if "unset" not in cannot:
        check_one("unset-user", {}, "unset", [("treatment", "older")])

    lost = [("b", "older"), ("a", "older")] if flip == "a" else [("a", "older")]
    check_one("flip-user", {"checkout": flip}, flip, lost, flip_duplicates)

    if "duplicate" not in cannot:
        check_one("duplicate-user", TREATMENT, "treatment", duplicates=1)

    if "anonymous" not in cannot:
        # The device reads as the user who logged in on it.
        for ids in [{"user_id": "login-user"}, {"device_id": "anonymous-device"}]:
            assert reading.properties(**ids) == ("user:login-user", BOTH)
        banner = reading.why("banner", user_id="login-user")
        assert banner["variant"] == banner["decided_by"] == "on"
        assert banner["links"] == [("anonymous-device", "login-user")]
