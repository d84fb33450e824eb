"""Answer OKX's account endpoints: balances with equity, the key's rights, currencies, and easy convert."""

import json
from decimal import Decimal
from typing import Any

from brokers.simulator.engine import Shown
from brokers.simulator.numbers import whole
from brokers.simulator.okx.names import envelope, nothing, number
from brokers.simulator.okx.public import Routes
from brokers.simulator.orders import Conversion
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation

# What a dollar coin is worth in dollars: equity is told in dollars, prices are in coins.
_DOLLARS = {"USD": Decimal(1), "USDT": Decimal("0.9996"), "USDC": Decimal("0.9999")}
_MOST_CONVERTED = 5
_PAGE = 100
# Fields that an account in spot mode has no value for.
_EMPTY = nothing(
    "availEq borrowFroz clSpotInUseAmt crossLiab imr interest isoEq isoLiab isoUpl maxSpotInUse mgnRatio mmr "
    "notionalLever openAvgPx accAvgPx spotInUseAmt spotUpl spotUplRatio totalPnl totalPnlRatio twap upl uplLiab"
)
_EMPTY_OF_ALL = nothing(
    "adjEq availEq borrowFroz imr isoEq mgnRatio mmr notionalUsd notionalUsdForBorrow notionalUsdForFutures "
    "notionalUsdForOption notionalUsdForSwap ordFroz upl"
)


class OkxAccount:
    """Endpoints that need a signature and are about what is owned."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue

    def endpoints(self) -> Routes:
        """Every endpoint; its weight is how many calls of it two seconds allow."""
        rows = [
            ("GET", "account/balance", Operation.BALANCE, self.balance, 10),
            ("GET", "account/config", Operation.PERMISSIONS, self.config, 5),
            ("GET", "asset/currencies", Operation.CURRENCIES, self.currencies, 12),
            ("GET", "trade/easy-convert-currency-list", Operation.DUST_OFFER, self.dust_offer, 1),
            ("POST", "trade/easy-convert", Operation.CONVERT_DUST, self.convert, 1),
            ("GET", "trade/easy-convert-history", Operation.DUST_HISTORY, self.converted, 1),
        ]
        return {
            (method, f"/api/v5/{name}"): Endpoint(name, operation, handler, signed=True, weight=weight)
            for method, name, operation, handler, weight in rows
        }

    def balance(self, call: Call) -> Any:
        """Balances of the trading account that are not zero, and what they are worth in US dollars."""
        wanted = call.params.get("ccy")
        shown = self._venue.engine.balances(call.owner, call.now_ms)
        details = [
            self._detail(call, code, held)
            for code, held in shown.items()
            if held.total and (not wanted or code in wanted.split(","))
        ]
        total = sum((Decimal(row["eqUsd"]) for row in details), Decimal(0))
        account = _EMPTY_OF_ALL | {"totalEq": number(total), "uTime": str(call.now_ms)}
        return envelope([account | {"details": details}])

    def config(self, call: Call) -> Any:
        """Tell the settings of the account, and what the key may do."""
        account = self._venue.world.accounts[call.owner]
        given = ["read_only", *["trade"] * account.may_trade, *["withdraw"] * account.may_withdraw]
        flags = dict.fromkeys(("autoLoan", "enableSpotBorrow", "spotBorrowAutoRepay"), False)
        empty = nothing("ip levelTmp spotOffsetType")
        fixed = {"acctLv": "1", "acctStpMode": "cancel_maker", "ctIsoMode": "automatic", "greeksType": "PA"}
        fixed |= {"kycLv": "3", "level": "Lv1", "liquidationGear": "-1", "mgnIsoMode": "automatic", "opAuth": "0"}
        fixed |= {"posMode": "net_mode", "roleType": "0", "spotRoleType": "0", "type": "0"}
        uid = {"label": call.owner, "mainUid": "44705892343619584", "uid": "44705892343619584"}
        return envelope([{**flags, **empty, **fixed, **uid, "perm": ",".join(given), "traderInsts": []}])

    def currencies(self, _call: Call) -> Any:
        """Every asset that is traded or held, on one chain."""
        codes = {code for li in self._venue.listings.values() for code in (li.base, li.quote)}
        codes |= {code for totals in self._venue.book.totals.values() for code in totals}
        rows = [
            {"canDep": True, "canInternal": True, "canWd": True, "ccy": code, "chain": f"{code}-{code}", "name": code}
            | {"fee": "0.1", "maxFee": "0.2", "maxWd": "1000000", "minDep": "0.1", "minFee": "0.1", "minWd": "1"}
            | {"mainNet": True, "needTag": False, "wdTickSz": "8", "minDepArrivalConfirm": "1"}
            for code in sorted(codes)
        ]
        return envelope(rows)

    def dust_offer(self, call: Call) -> Any:
        """Small balances that can be converted, and into what."""
        offers = self._venue.dust.offers(call.owner, call.now_ms)
        rows = [{"fromAmt": number(offer.quantity), "fromCcy": offer.asset} for offer in offers]
        return envelope([{"fromData": rows, "toCcy": [self._into()]}])

    def convert(self, call: Call) -> Any:
        """Convert up to five small balances, all or none."""
        if not self._venue.world.accounts[call.owner].may_trade:
            raise Refusal(Reason.PERMISSION_DENIED)
        assets = _names(call.params.get("fromCcy"))
        if len(assets) > _MOST_CONVERTED:
            raise Refusal(Reason.VERBATIM, "Parameter fromCcy count exceeds the limit 5.", code=50025, status=200)
        if call.params.get("toCcy") != self._into():
            raise Refusal(Reason.INVALID_ARGUMENT, "toCcy")
        return envelope([_converted(c) for c in self._venue.dust.convert(call.owner, assets, call.now_ms)])

    def converted(self, call: Call) -> Any:
        """List past conversions, newest first; `after` and `before` are instants."""
        after, before = whole(call.params, "after", call.now_ms + 1), whole(call.params, "before", -1)
        mine = [c for c in reversed(self._venue.book.conversions) if c.account == call.owner]
        found = [c for c in mine if before < c.time_ms < after]
        limit = min(whole(call.params, "limit", _PAGE), _PAGE)
        return envelope([_converted(c) | {"acct": "18"} for c in found[:limit]])

    def _into(self) -> str:
        desk = self._venue.world.manners.dust
        return "" if desk is None else desk.into

    def _detail(self, call: Call, code: str, shown: Shown) -> dict[str, Any]:
        """One currency. What is borrowed can be spent, and is owed; equity is what is left of the balance."""
        owed = min(self._venue.world.accounts[call.owner].borrowed.get(code, Decimal(0)), shown.total)
        equity = shown.total - owed
        dollars = equity * self._dollars(code, call.now_ms)
        frozen = number(shown.held)
        return {
            **_EMPTY,
            "autoLendMtAmt": "0",
            "autoLendStatus": "unsupported",
            "availBal": number(shown.total - shown.held),
            "cashBal": number(shown.total),
            "ccy": code,
            "colBorrAutoConversion": "0",
            "collateralEnabled": False,
            "collateralRestrict": False,
            "disEq": number(round(dollars, 12)),
            "eq": number(equity),
            "eqUsd": number(round(dollars, 12)),
            "fixedBal": "0",
            "frozenBal": frozen,
            "liab": number(owed) if owed else "",
            "maxLoan": "",
            "ordFrozen": frozen,
            "rewardBal": "0",
            "smtSyncEq": "0",
            "spotBal": number(shown.total),
            "spotCopyTradingEq": "0",
            "spotIsoBal": "0",
            "stgyEq": "0",
            "uTime": str(call.now_ms),
        }

    def _dollars(self, code: str, now_ms: int) -> Decimal:
        """US dollars of one unit; nothing where the venue has no price."""
        if code in _DOLLARS:
            return _DOLLARS[code]
        for quote, dollars in _DOLLARS.items():
            symbol = f"{code}/{quote}"
            price = self._venue.prices.last(symbol, now_ms) if symbol in self._venue.listings else None
            if price is not None:
                return price * dollars
        return Decimal(0)


def _names(raw: str | None) -> list[str]:
    """Read the currencies: the body holds a list."""
    try:
        names = json.loads(raw or "")
    except json.JSONDecodeError:
        names = None
    if not isinstance(names, list) or not names:
        raise Refusal(Reason.INVALID_ARGUMENT, "fromCcy")
    return [str(name) for name in names]


def _converted(conversion: Conversion) -> dict[str, str]:
    return {
        "fillFromSz": number(conversion.quantity),
        "fillToSz": number(conversion.received),
        "fromCcy": conversion.asset,
        "status": "filled",
        "toCcy": conversion.into,
        "uTime": str(conversion.time_ms),
    }
