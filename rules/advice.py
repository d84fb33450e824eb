"""Say what to do next about each code that an examination can find. Pure: a table."""

_STEPS = {
    "CREDENTIALS_MISSING": "store them with `nija keys add`, or set the variables named",
    "PASSPHRASE_MISSING": "the venue gave a passphrase together with the key: add it",
    "CONFIG_ERROR": "as it says",
    "UNREACHABLE": "look at the network, and at the account's `url` if it has one; then at the venue's status page",
    "TIMEOUT": "look at the network; NIJA_VENUE_TIMEOUT_SECONDS grants the venue more time",
    "RATE_LIMITED": "wait a minute; no other program should use this address or key so heavily",
    "MAINTENANCE": "wait: the venue is under maintenance",
    "BREAKER_OPEN": "nija breakers list; it lets a call try by itself once its time is over, or at once: nija breakers "
    "reset",
    "MALFORMED_ANSWER": "run it again; if it stays, see the venue's status page, and whether a proxy answers in its "
    "stead; nothing is sold on such an answer",
    "VENUE_ERROR": "run it again; if it stays, the venue's own words say why",
    "CLOCK_OFF": "set this machine's clock from the network (NTP)",
    "NO_MARKET_IN_QUOTE": "set the account's `quote` to a currency that the venue trades in",
    "NO_PRICE": "run it again; if it stays, see the venue's status page",
    "PRICE_FETCH_ERROR": "it counts and is never sold by the machine: look at it at the venue",
    "AUTHENTICATION": "compare key and secret with the venue's page of keys: deleted, expired, of another account, or "
    "bound to other addresses",
    "KEYS_UNUSABLE": "compare the secret with what the venue gave, to its last sign: nothing could be signed with it, "
    "or no answer be read",
    "PERMISSION_DENIED": "give the key the right to read balances and orders, and to trade",
    "NONCE_OR_CLOCK": "set this machine's clock, and give each program a key of its own",
    "KEY_MAY_WITHDRAW": "take that right away at the venue, or write `allow_withdrawal_key: true` at the account",
    "KEY_MAY_NOT_TRADE": "give the key the right to trade at the venue",
    "KEY_EXPIRES": "make a new key at the venue in time",
    "PERMISSIONS_NOT_REPORTED": "look at the venue's page of keys that it may trade and may not withdraw",
    "BALANCE_EMPTY": "look whether the key is of the right sub-account or portfolio",
    "PORTFOLIO_MISSING": "make a key in the portfolio that holds the account's money, and add that one",
    "EQUITY_MISMATCH": "a unit or a price is wrong: look before anything is sold",
    "EQUITY_UNREADABLE": "run it again; without it the sum of values has no second opinion",
    "ORDER_UNDECIDED": "nija recover",
    "HALTED": "nija halts list; when its cause is mended: nija halts resume",
    "INTERNAL_ERROR": "a fault of ours: the log has it",
}
_ELSE = "docs/report-codes.md says what the code means"


def next_step(code: str) -> str:
    """Return what to do about a code."""
    return _STEPS.get(code, _ELSE)
