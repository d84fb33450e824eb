"""Answer one request: find the endpoint, apply the fault that is due, verify, execute, record."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from brokers.simulator.calls import CallRecord, without_secrets
from brokers.simulator.fault_kinds import FAULTS, Silence, Turn, Wait
from brokers.simulator.faults import FaultRule
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.turns import turn
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint, Operation, Wire

Leave = Callable[[web.Request, float], Awaitable[None]]
_FORM = "application/x-www-form-urlencoded"
_CHANGING = frozenset({Operation.PLACE, Operation.CANCEL, Operation.CONVERT_DUST})


class Service:
    """One venue behind one wire format."""

    def __init__(self, venue: Venue, wire: Wire, leave: Leave) -> None:
        """Serve the venue in this format; `leave` stops listening, for so many seconds after a request."""
        self._venue, self._wire, self._leave = venue, wire, leave
        self._latency = venue.world.latency_ms / 1000

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request of a client."""
        call = await self._read(request)
        endpoint = (self._wire.find(call.method, call.path) or self._unknown(call)).meant_by(call)
        account = self._wire.account_of(call)
        if self._latency:
            await asyncio.sleep(self._latency)
        rule = self._venue.faults.due(endpoint.operation, account, self._wire.symbol_of(call), call.now_ms)
        if self._venue.on_call is not None:
            self._venue.on_call(rule)
        if rule is None:
            answer, outcome = self._executed(call, endpoint, self._verified(call, endpoint))
            self._record(call, endpoint, account, outcome, None)
            return _response(answer)
        return await self._faulty(request, call, endpoint, account, rule)

    async def _faulty(
        self, request: web.Request, call: Call, endpoint: Endpoint, account: str | None, rule: FaultRule
    ) -> web.StreamResponse:
        kind = FAULTS[rule.fault]
        symbol = self._wire.symbol_of(call)
        if kind.turn is Turn.BEFORE:
            turn(self._venue, rule, account, symbol, since_ms=call.now_ms)
        true, outcome = Answer(200, b""), "not executed"
        if rule.takes_effect:
            # A nonce counts on arrival: while this call waits, later ones of the key may be answered.
            refusal = self._verified(call, endpoint)
            if kind.wait is Wait.BEFORE:
                await asyncio.sleep(rule.seconds)
                call.now_ms = self._venue.now_ms()
            true, outcome = self._executed(call, endpoint, refusal)
        if kind.turn is Turn.AFTER:
            turn(self._venue, rule, account, symbol, since_ms=call.now_ms)
        self._record(call, endpoint, account, outcome, rule.fault)
        return await self._told(request, rule, true)

    async def _told(self, request: web.Request, rule: FaultRule, true: Answer) -> web.StreamResponse:
        """Say what the client is to hear, when it is to hear it."""
        kind = FAULTS[rule.fault]
        told = kind.told(rule, self._wire, true)
        if kind.wait is Wait.AFTER:
            await asyncio.sleep(rule.seconds)
        if told is Silence.HANG:
            await _until_gone(request)
        if isinstance(told, Silence):
            _reset(request)
            return web.Response()
        if kind.wait is Wait.WITHIN:
            return await _in_two_halves(request, told, rule.seconds)
        response = _response(told)
        if kind.leaves:
            await self._leave(request, rule.seconds)
            response.force_close()
        return response

    def _verified(self, call: Call, endpoint: Endpoint) -> Refusal | None:
        """Check who is calling; the refusal, where there is one."""
        try:
            self._wire.verify(call, endpoint)
        except Refusal as refusal:
            return refusal
        return None

    def _executed(self, call: Call, endpoint: Endpoint, refusal: Refusal | None) -> tuple[Answer, str]:
        """Carry the request out; the outcome is ok or the venue's words."""
        try:
            if refusal is not None:
                raise refusal
            if endpoint.signed:
                canceling = endpoint.operation is Operation.CANCEL
                self._venue.engine.settle(call.now_ms, call.owner, canceling=canceling)
            return self._wire.accepted(endpoint.handler(call)), "ok"
        except Refusal as declined:
            answer = self._wire.refused(declined)
            return answer, answer.body.decode()

    def _record(self, call: Call, endpoint: Endpoint, account: str | None, outcome: str, fault: str | None) -> None:
        params = without_secrets(call.params)
        self._venue.calls.add(
            CallRecord(call.now_ms, endpoint.operation, account, endpoint.name, params, outcome, fault)
        )
        facts = ["nonces"] if endpoint.signed else []
        if fault is not None:
            facts.append("faults")
        if endpoint.operation in _CHANGING:
            facts.append("calls")
        self._venue.save(*facts)

    async def _read(self, request: web.Request) -> Call:
        body = await request.read()
        query = request.rel_url.raw_query_string
        pairs = parse_qsl(query, keep_blank_values=True)
        if body and request.content_type in {_FORM, "application/octet-stream"}:
            pairs += parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        elif body:
            pairs += _json_pairs(body)
        return Call(
            method=request.method,
            path=request.path,
            headers=request.headers,
            query=query,
            body=body,
            params=dict(pairs),
            now_ms=self._venue.now_ms(),
        )

    @staticmethod
    def _unknown(call: Call) -> Endpoint:
        def refuse(_call: Call) -> Any:
            raise Refusal(Reason.UNKNOWN_METHOD)

        return Endpoint(call.path, Operation.UNKNOWN, refuse)


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    with contextlib.suppress(ValueError):
        document = json.loads(body)
        if isinstance(document, dict):
            return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in document.items()]
    return []


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body, content_type=answer.content_type, headers=dict(answer.headers)
    )


async def _in_two_halves(request: web.Request, answer: Answer, seconds: float) -> web.StreamResponse:
    """Send the second half of the body only after a while."""
    response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
    response.content_type, response.content_length = answer.content_type, len(answer.body)
    middle = len(answer.body) // 2
    with contextlib.suppress(ConnectionError):  # the client may have given up
        await response.prepare(request)
        await response.write(answer.body[:middle])
        await asyncio.sleep(seconds)
        await response.write(answer.body[middle:])
        await response.write_eof()
    return response


async def _until_gone(request: web.Request) -> None:
    """Wait until the client has given up."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110  it has no event
        await asyncio.sleep(0.05)


def _reset(request: web.Request) -> None:
    """Break the connection with a reset instead of a goodbye."""
    if request.transport is None:
        return
    raw = request.transport.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
