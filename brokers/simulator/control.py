"""Serve /_sim/: look at the venue's own record and change the world while it runs. JSON, loopback only."""

import asyncio
import ipaddress
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from brokers.simulator.faults import FaultPlan, as_plan
from brokers.simulator.orders import Fill, Order
from brokers.simulator.venue import Venue
from brokers.simulator.world import FillRule

_NEWEST = 1000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Handlers of the control API."""

    def __init__(self, venue: Venue, stop: asyncio.Event) -> None:
        """Control this venue; setting the event ends the server."""
        self._venue, self._stop = venue, stop

    def routes(self) -> list[web.RouteDef]:
        """Every control route."""
        rows: list[tuple[str, str, Callable[[web.Request, Any], Any]]] = [
            ("GET", "health", self._health),
            ("GET", "state", self._state),
            ("GET", "calls", self._calls),
            ("POST", "faults", self._set_faults),
            ("DELETE", "faults", self._clear_faults),
            ("POST", "balances", self._set_balances),
            ("POST", "prices", self._set_prices),
            ("POST", "markets", self._set_markets),
            ("POST", "fills", self._set_fills),
            ("POST", "stop", self._end),
        ]
        return [web.route(method, f"/_sim/{name}", _answering(handler)) for method, name, handler in rows]

    def _health(self, _request: web.Request, _body: Any) -> Any:
        world = self._venue.world
        return {"venue": world.venue, "fingerprint": world.fingerprint, "pid": os.getpid()}

    def _state(self, _request: web.Request, _body: Any) -> Any:
        self._venue.settle()
        self._venue.save()
        book = self._venue.book
        accounts = {
            name: {
                "balances": {
                    asset: {"total": format(total, "f"), "held": format(book.held(name, asset), "f")}
                    for asset, total in totals.items()
                },
                "orders": [_document(order) for order in book.by_account.get(name, [])],
                "fills": [_document(fill) for fill in book.fills.get(name, [])],
            }
            for name, totals in book.totals.items()
        }
        markets = {symbol: listing.model_dump(mode="json") for symbol, listing in self._venue.listings.items()}
        return {"accounts": accounts, "markets": markets}

    def _calls(self, _request: web.Request, _body: Any) -> Any:
        log = self._venue.calls
        return {
            "counts": log.counts(),
            "faults": [applied.model_dump(mode="json") for applied in self._venue.faults.applied],
            "calls": [asdict(record) for record in list(log.records)[-_NEWEST:]],
        }

    def _set_faults(self, _request: web.Request, body: Any) -> Any:
        plan = as_plan(body)
        self._venue.set_faults(plan)
        return {"rules": len(plan.rules)}

    def _clear_faults(self, _request: web.Request, _body: Any) -> Any:
        self._venue.set_faults(FaultPlan())
        return {"rules": 0}

    def _set_balances(self, _request: web.Request, body: Any) -> Any:
        self._venue.set_balances(body["account"], {asset: Decimal(str(raw)) for asset, raw in body["balances"].items()})
        return {"account": body["account"]}

    def _set_prices(self, _request: web.Request, body: Any) -> Any:
        for symbol, raw in body.items():
            self._venue.set_price(symbol, None if raw is None else Decimal(str(raw)))
        return {"prices": len(body)}

    def _set_markets(self, _request: web.Request, body: Any) -> Any:
        change = {name: value for name, value in body.items() if name != "symbol"}
        self._venue.set_market(body["symbol"], change)
        return self._venue.listings[body["symbol"]].model_dump(mode="json")

    def _set_fills(self, _request: web.Request, body: Any) -> Any:
        rule = FillRule.model_validate(body)
        self._venue.add_fill_rule(rule)
        return rule.model_dump(mode="json")

    def _end(self, _request: web.Request, _body: Any) -> Any:
        self._stop.set()
        return {"stopping": True}


def _answering(handler: Callable[[web.Request, Any], Any]) -> Handler:
    """Wrap a handler: loopback only, JSON in and out, a wrong body is a 400 that says why."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
            raise web.HTTPForbidden(text="the control API answers on loopback only")
        try:
            body = await request.json() if request.can_read_body else None
            document = handler(request, body)
        except (ValidationError, InvalidOperation, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response(document)

    return answer


def _document(row: Order | Fill) -> dict[str, Any]:
    found = asdict(row)
    return {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in found.items()}
