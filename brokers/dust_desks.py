"""Where venues turn small balances into one asset: what they offer, the request, and the history of outcomes.

A request names no id of ours, and some venues answer only that it is on its way. So the outcome is always read from the
history: what was converted since the request was stamped.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from brokers.order_window import OrderWindow
from models.amounts import exact
from models.dust import Converted, DustOffer

_RECORDS = 100
_LARGEST_SECONDS = 10**11  # until the year 5138; a larger number counts milliseconds


class DustDesk(Protocol):
    """How one venue converts. Amounts are exact, as the venue wrote them; what cannot be read raises."""

    async def offers(self, client: Any, assets: Sequence[str]) -> tuple[DustOffer, ...]:
        """Return what the venue would take of these assets, and what it would give for it where it says so."""

    async def convert(self, client: Any, assets: Sequence[str], window: OrderWindow) -> None:
        """Ask for the conversion, once."""

    async def history(self, client: Any, since: datetime) -> tuple[Converted, ...]:
        """Return what was converted since then, newest first."""


class BinanceDust:
    """Into BNB: https://developers.binance.com/docs/wallet/asset/dust-transfer and its neighbours."""

    async def offers(self, client: Any, assets: Sequence[str]) -> tuple[DustOffer, ...]:
        """Read the convertible assets with what they bring."""
        answer = await client.sapiPostAssetDustBtc()
        rows = {client.safe_currency_code(row["asset"]): row for row in answer["details"]}
        return tuple(
            DustOffer(
                asset=asset,
                quantity=exact(row["amountFree"]),
                into="BNB",
                yields=exact(row["toBNBOffExchange"]),
                fee=exact(row["exchange"]),
            )
            for asset, row in rows.items()
            if asset in assets
        )

    async def convert(self, client: Any, assets: Sequence[str], window: OrderWindow) -> None:
        """Convert, unless the request comes later than its window."""
        names = [client.currency(asset)["id"] for asset in assets]
        length = window.closes_ms - window.opens_ms
        await client.sapiPostAssetDust({"asset": names, "timestamp": window.opens_ms, "recvWindow": length})

    async def history(self, client: Any, since: datetime) -> tuple[Converted, ...]:
        """Read the log of conversions."""
        answer = await client.sapiGetAssetDribblet({"startTime": _milliseconds(since)})
        rows = [row for batch in answer["userAssetDribblets"] for row in batch["userAssetDribbletDetails"]]
        found = (
            Converted(
                reference=f"{row['transId']}-{row['fromAsset']}",
                asset=client.safe_currency_code(row["fromAsset"]),
                quantity=exact(row["amount"]),
                into="BNB",
                received=exact(row["transferedAmount"]),
                fee=exact(row["serviceChargeAmount"]),
                at=_instant(row["operateTime"]),
            )
            for row in rows
        )
        return _newest_first(found)


class OkxDust:
    """Into USDT: https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-place-easy-convert."""

    async def offers(self, client: Any, assets: Sequence[str]) -> tuple[DustOffer, ...]:
        """Read the convertible assets; the venue names no rate before it converts."""
        (answer,) = (await client.privateGetTradeEasyConvertCurrencyList())["data"]
        rows = {client.safe_currency_code(row["fromCcy"]): row for row in answer["fromData"]}
        return tuple(
            DustOffer(asset=asset, quantity=exact(row["fromAmt"]), into="USDT", yields=None, fee=None)
            for asset, row in rows.items()
            if asset in assets and "USDT" in answer["toCcy"]
        )

    async def convert(self, client: Any, assets: Sequence[str], window: OrderWindow) -> None:  # noqa: ARG002
        """Convert; the signature is void half a minute later."""
        names = [client.currency(asset)["id"] for asset in assets]
        await client.privatePostTradeEasyConvert({"fromCcy": names, "toCcy": "USDT"})

    async def history(self, client: Any, since: datetime) -> tuple[Converted, ...]:
        """Read the newest conversions."""
        answer = await client.privateGetTradeEasyConvertHistory({"limit": str(_RECORDS)})
        found = (
            Converted(
                reference=f"{row['uTime']}-{row['fromCcy']}",
                asset=client.safe_currency_code(row["fromCcy"]),
                quantity=exact(row["fillFromSz"]),
                into=client.safe_currency_code(row["toCcy"]),
                received=exact(row["fillToSz"]),
                fee=Decimal(0),  # it is within the rate
                at=_instant(row["uTime"]),
            )
            for row in answer["data"]
            if row["status"] == "filled"
        )
        return tuple(row for row in _newest_first(found) if row.at >= since)


class BybitDust:
    """Into USDT: https://bybit-exchange.github.io/docs/v5/asset/convert-small-balance/request-quote."""

    _WALLET: Mapping[str, str] = {"accountType": "eb_convert_uta"}

    async def offers(self, client: Any, assets: Sequence[str]) -> tuple[DustOffer, ...]:
        """Read the convertible assets, and a quote for them."""
        listed = (await client.privateGetV5AssetCovertSmallBalanceList(dict(self._WALLET)))["result"]
        names = {client.currency(asset)["id"] for asset in assets}
        rows = [row for row in listed["smallAssetCoins"] if row["supportConvert"] == 1]
        takes = [row["fromCoin"] for row in rows if row["fromCoin"] in names]
        if not takes:
            return ()
        return tuple(
            DustOffer(
                asset=client.safe_currency_code(row["fromCoin"]),
                quantity=exact(row["availableBalance"]),
                into=client.safe_currency_code(row["toCoin"]),
                yields=exact(row["toAmount"]),
                fee=exact(row["feeInfo"]["amount"]),
            )
            for row in (await self._quote(client, takes))["result"]["exchangeCoins"]
        )

    async def convert(self, client: Any, assets: Sequence[str], window: OrderWindow) -> None:  # noqa: ARG002
        """Ask for a quote and take it; a quote is void after half a minute."""
        quote = await self._quote(client, [client.currency(asset)["id"] for asset in assets])
        await client.privatePostV5AssetCovertSmallBalanceExecute({"quoteId": quote["quoteId"]})

    async def history(self, client: Any, since: datetime) -> tuple[Converted, ...]:
        """Read the conversions since then."""
        asked = {**self._WALLET, "startTime": str(_milliseconds(since)), "size": str(_RECORDS)}
        answer = (await client.privateGetV5AssetCovertSmallBalanceHistory(asked))["result"]
        found = (
            Converted(
                reference=f"{batch['exchangeTxId']}-{row['fromCoin']}",
                asset=client.safe_currency_code(row["fromCoin"]),
                quantity=exact(row["fromAmount"]),
                into=client.safe_currency_code(row["toCoin"]),
                received=exact(row["toAmount"]),
                fee=exact(row["feeAmount"]),
                at=_instant(batch["createdAt"]),
            )
            for batch in answer["records"]
            for row in batch["subRecords"]
            if row["status"] == "success"
        )
        return _newest_first(found)

    async def _quote(self, client: Any, names: Sequence[str]) -> Any:
        asked = {**self._WALLET, "fromCoinList": list(names), "toCoin": "USDT"}
        return (await client.privatePostV5AssetCovertGetQuote(asked))["result"]


class GateDust:
    """Into GT: https://www.gate.com/docs/developers/apiv4/ under "Wallet", small balances."""

    async def offers(self, client: Any, assets: Sequence[str]) -> tuple[DustOffer, ...]:
        """Read the convertible balances; `convertible_to_gt` is what they bring."""
        rows = await client.privateWalletGetSmallBalance()
        return tuple(
            DustOffer(
                asset=client.safe_currency_code(row["currency"]),
                quantity=exact(row["available_balance"]),
                into="GT",
                yields=exact(row["convertible_to_gt"]),
                fee=None,
            )
            for row in rows
            if client.safe_currency_code(row["currency"]) in assets
        )

    async def convert(self, client: Any, assets: Sequence[str], window: OrderWindow) -> None:  # noqa: ARG002
        """Convert the balances named."""
        names = [client.currency(asset)["id"] for asset in assets]
        await client.privateWalletPostSmallBalance({"currency": names, "is_all": False})

    async def history(self, client: Any, since: datetime) -> tuple[Converted, ...]:
        """Read the newest conversions; their instants are in seconds, or in milliseconds."""
        rows = await client.privateWalletGetSmallBalanceHistory({"limit": _RECORDS})
        found = (
            Converted(
                reference=str(row["id"]),
                asset=client.safe_currency_code(row["currency"]),
                quantity=exact(row["amount"]),
                into="GT",
                received=exact(row["gt_amount"]),
                fee=Decimal(0),
                at=_instant(_in_milliseconds(row["create_time"])),
            )
            for row in rows
        )
        return tuple(row for row in _newest_first(found) if row.at >= since)


class MexcDust:
    """Into MX: https://mexcdevelop.github.io/apidocs/spot_v3_en/ under "Dust transfer"."""

    async def offers(self, client: Any, assets: Sequence[str]) -> tuple[DustOffer, ...]:
        """Read the convertible balances; a row with a code of its own cannot be converted now."""
        rows = await client.spotPrivateGetCapitalConvertList()
        return tuple(
            DustOffer(
                asset=client.safe_currency_code(row["asset"]),
                quantity=exact(row["balance"]),
                into="MX",
                yields=exact(row["convertMx"]),
                fee=None,
            )
            for row in rows
            if client.safe_currency_code(row["asset"]) in assets and not row.get("code")
        )

    async def convert(self, client: Any, assets: Sequence[str], window: OrderWindow) -> None:  # noqa: ARG002
        """Convert the balances named."""
        names = ",".join(client.currency(asset)["id"] for asset in assets)
        await client.spotPrivatePostCapitalConvert({"asset": names})

    async def history(self, client: Any, since: datetime) -> tuple[Converted, ...]:
        """Read the conversions since then."""
        answer = await client.spotPrivateGetCapitalConvert({"startTime": _milliseconds(since), "limit": _RECORDS})
        found = (
            Converted(
                reference=str(row["id"]),
                asset=client.safe_currency_code(row["asset"]),
                quantity=exact(row["amount"]),
                into="MX",
                received=exact(row["convert"]),
                fee=exact(row["fee"]),
                at=_instant(row["time"]),
            )
            for batch in answer["data"]
            for row in batch["convertDetails"]
        )
        return _newest_first(found)


DUST_DESKS: dict[str, DustDesk] = {
    "binance": BinanceDust(),
    "okx": OkxDust(),
    "bybit": BybitDust(),
    "gate": GateDust(),
    "mexc": MexcDust(),
}


def _in_milliseconds(number: Any) -> int:
    return int(number) if int(number) > _LARGEST_SECONDS else int(number) * 1000


def _newest_first(found: Any) -> tuple[Converted, ...]:
    return tuple(sorted(found, key=lambda row: row.at, reverse=True))


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _instant(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
