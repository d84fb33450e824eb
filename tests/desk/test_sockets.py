"""What a socket says is heard of its own page alone."""

import pytest

from desk.pages.sockets import held

MINE, ANOTHERS = "8da7598f-da3a-476b-9f08-9998c9bf7f07", "453dbbcb-35dd-4dae-bc64-497a6ee0bf35"
QUERIES = {"mine": f"EIO=4&client_id={MINE}", "two": f"client_id={ANOTHERS}&client_id={MINE}", "none": "EIO=4"}


@pytest.mark.parametrize(
    ("socket", "said", "is_heard"),
    [
        ("mine", {"client_id": MINE, "id": 7}, True),
        ("mine", {"client_id": ANOTHERS, "id": 7}, False),
        ("two", {"client_id": MINE, "id": 7}, False),
        ("none", {"client_id": "", "id": 7}, False),
        ("none", {"client_id": MINE, "id": 7}, False),
        ("gone", {"client_id": MINE, "id": 7}, False),
        ("mine", {"client_id": [MINE]}, False),
        ("mine", {}, False),
        ("mine", "junk", False),
        ("mine", None, False),
    ],
)
async def test_what_is_said_of_another_page_is_not_heard(socket: str, said: object, is_heard: bool) -> None:
    """Whoever knew the name of another's page could press its buttons, as the framework has it."""
    heard: list[object] = []

    def handler(_socket: str, what: object) -> None:
        heard.append(what)

    await held(handler, lambda one: {"QUERY_STRING": QUERIES[one]} if one in QUERIES else {})(socket, said)

    assert heard == ([said] if is_heard else [])
