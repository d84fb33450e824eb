"""Hold the accounts' money, orders and fills, and remember what changed since it was last saved."""

from collections.abc import Iterable
from decimal import Decimal

from brokers.simulator.orders import Conversion, Fill, Order
from brokers.simulator.state import StateFile
from brokers.simulator.world import World

_NOTHING = Decimal(0)


class Book:
    """The venue's own record of who owns what and which orders exist."""

    def __init__(self, world: World, state: StateFile) -> None:
        """Load the stored record; an account the store does not know starts with the world's balances."""
        self._state = state
        self.totals = state.balances()
        self.orders: dict[str, Order] = {}
        self.open: dict[str, dict[str, Order]] = {}
        self.by_account: dict[str, list[Order]] = {}
        self.fills: dict[str, list[Fill]] = {}
        self._fills_by_order: dict[str, list[Fill]] = {}
        self.last_order = self.last_fill = 0
        self._changed_totals: set[tuple[str, str]] = set()
        self._changed_orders: dict[str, Order] = {}
        self._new_fills: list[Fill] = []
        self.conversions: list[Conversion] = state.conversions()
        self._new_conversions: list[Conversion] = []
        for order in state.orders():
            self._index(order)
        for fill in state.fills():
            self._index_fill(fill)
        for account_id, account in world.accounts.items():
            if account_id not in self.totals:
                self.totals[account_id] = {}
                for asset, total in account.balances.items():
                    self.set_total(account_id, asset, total)

    def total(self, account: str, asset: str) -> Decimal:
        """Tell what the account owns, held or not."""
        return self.totals.get(account, {}).get(asset, _NOTHING)

    def held(self, account: str, asset: str) -> Decimal:
        """Add up what the account's open orders keep back."""
        open_orders = self.open.get(account, {}).values()
        return sum((order.held for order in open_orders if order.held_asset == asset), _NOTHING)

    def free(self, account: str, asset: str) -> Decimal:
        """Tell what the account may still spend."""
        return self.total(account, asset) - self.held(account, asset)

    def set_total(self, account: str, asset: str, total: Decimal) -> None:
        """Replace what the account owns of one asset."""
        self.totals.setdefault(account, {})[asset] = total
        self._changed_totals.add((account, asset))

    def move(self, account: str, asset: str, change: Decimal) -> None:
        """Add to what the account owns."""
        self.set_total(account, asset, self.total(account, asset) + change)

    def keep(self, order: Order) -> None:
        """Record a new or changed order."""
        self._changed_orders[order.id] = order
        self._index(order)

    def add_fill(self, fill: Fill) -> None:
        """Record an execution."""
        self._new_fills.append(fill)
        self._index_fill(fill)

    def add_conversion(self, conversion: Conversion) -> None:
        """Record a conversion."""
        self._new_conversions.append(conversion)
        self.conversions.append(conversion)

    def fills_of(self, order: Order) -> list[Fill]:
        """List the executions of one order, oldest first."""
        return self._fills_by_order.get(order.id, [])

    def lagging(self, account: str, since_ms: int) -> Iterable[Fill]:
        """Give the executions later than an instant, newest first."""
        for fill in reversed(self.fills.get(account, ())):
            if fill.time_ms <= since_ms:
                return
            yield fill

    def save(self, facts: Iterable[tuple[str, object]] = ()) -> None:
        """Store what changed, in one transaction."""
        facts = list(facts)
        changed = self._changed_totals or self._changed_orders or self._new_fills or self._new_conversions
        if not (changed or facts):
            return
        self._state.save(
            balances=[(account, asset, self.totals[account][asset]) for account, asset in self._changed_totals],
            orders=list(self._changed_orders.values()),
            fills=self._new_fills,
            conversions=self._new_conversions,
            facts=facts,
        )
        self._changed_totals.clear()
        self._changed_orders.clear()
        self._new_fills, self._new_conversions = [], []

    def _index(self, order: Order) -> None:
        if order.id not in self.orders:
            self.orders[order.id] = order
            self.by_account.setdefault(order.account, []).append(order)
            self.last_order = max(self.last_order, order.number)
        if order.is_open:
            self.open.setdefault(order.account, {})[order.id] = order
        else:
            self.open.get(order.account, {}).pop(order.id, None)

    def _index_fill(self, fill: Fill) -> None:
        self.fills.setdefault(fill.account, []).append(fill)
        self._fills_by_order.setdefault(fill.order_id, []).append(fill)
        self.last_fill = max(self.last_fill, fill.number)
