"""Let accounts that reach the gate at the same moment pass it together: one validation instead of one each."""

import asyncio

from models.errors import ContractBroken
from validations.gate import Answer, Asked, GateResult, gate_accounts

_MOMENT_SECONDS = 0.05  # a validation costs 10 ms, for one account or for twenty


class Gate:
    """The gate of one run, shared by its accounts."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []

    async def passes(self, asked: Asked) -> tuple[GateResult, GateResult]:
        """Hold an account to its contracts, together with all that ask within a moment.

        Raises: ConfigError when validation is switched off; ContractBroken names what broke, in full.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(_MOMENT_SECONDS, self._open)
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, answer))
        result = await answer
        if isinstance(result, ContractBroken):
            raise result
        return result

    def _open(self) -> None:
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
