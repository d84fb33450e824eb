"""Let accounts that reach the gate at the same moment pass it together: one validation instead of one each."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from models.errors import ContractBroken
from validations.gate import Answer, Asked, GateResult, gate_accounts

_MOMENT_SECONDS = 0.05  # a validation costs 10 ms, for one account or for twenty
_HURRY_SECONDS = 0.02  # so long at most whoever hurries waits for others that do


class Gate:
    """The gate of one run, shared by its accounts."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._opens: asyncio.TimerHandle | None = None
        self._on_their_way: set[object] = set()

    @contextmanager
    def expecting(self) -> Iterator[object]:
        """Expect somebody in the block who hurries, and names what is yielded: those who hurry wait for each other."""
        who = object()
        self._on_their_way.add(who)
        try:
            yield who
        finally:
            if who in self._on_their_way:  # it gave up before the gate
                self._arrived(who)

    async def passes(self, asked: Asked, who: object | None = None) -> tuple[GateResult, GateResult]:
        """Hold an account to its contracts, together with all that ask within a moment.

        The gate opens sooner for `who` hurries: once all that are expected are there.
        Raises: ConfigError when validation is switched off; ContractBroken names what broke, in full.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, answer))
        if who is not None:
            self._opens_within(_HURRY_SECONDS)
            self._arrived(who)
        else:
            self._opens_within(_MOMENT_SECONDS)
        result = await answer
        if isinstance(result, ContractBroken):
            raise result
        return result

    def _opens_within(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + seconds
        if self._opens is None or self._opens.when() > latest:
            self._opens_at(latest)

    def _arrived(self, who: object) -> None:
        """Note that somebody is there, or will not come; nobody waits any more for the last one."""
        self._on_their_way.discard(who)
        if not self._on_their_way and self._waiting:
            self._opens_at(0)

    def _opens_at(self, loop_time: float) -> None:
        if self._opens is not None:
            self._opens.cancel()
        self._opens = asyncio.get_running_loop().call_at(loop_time, self._open)

    def _open(self) -> None:
        self._opens = None
        group, self._waiting = self._waiting, []
        try:
            answers = gate_accounts([asked for asked, _ in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait and not to the loop
            for _, waiting in group:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for (_, waiting), answer in zip(group, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)
