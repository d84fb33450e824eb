"""How the first admin comes in: by a link that works once, shown on a terminal and nowhere else."""

from cli.by_hand import operator
from models.clock import SystemClock
from models.store.engine import Store


async def first_words(store: Store, address: str, *, to_terminal: bool) -> list[str]:
    """Return what to say while nobody can log in: a link where it goes to a terminal, else how to get one.

    A link in a log would be a key in a log. Empty: somebody can log in. Raises: StoreError.
    """
    from desk.people.links import at_the_terminal, new_link, nobody_can_log_in  # noqa: PLC0415 - --help needs none

    who, now = at_the_terminal(operator()), SystemClock().now()
    name = await nobody_can_log_in(store, by=who, now=now)
    if name is None:
        return []
    if not to_terminal:
        return [f"nobody can log in yet: nija desk people link {name}"]
    link = await new_link(store, name, by=who, now=now)
    words = f"nobody can log in yet: this link sets the password of {name}, works once, and is good for an hour"
    return [words, f"{address}/welcome#{link}"]
