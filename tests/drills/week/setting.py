"""The operator of a week: the fleet file, the policy, and what a process of theirs sees."""

import os
from pathlib import Path
from typing import Any

import yaml

from tests.drills.desk import QUICK, QUOTES
from tests.drills.week.town import OWNERS, Town

CAP = 4
POLICY: dict[str, Any] = QUICK | {"max_positions": CAP, "balance_fetch_max_attempts": 2, "max_hold_hours": 72}
PATIENCE_SECONDS = "2"  # for an answer of a venue
RESTARTABLE = ["cleanup_dust", "enforce_cap", "enforce_exits", "reconcile"]


def environment(home: Path, town: Town, store_url: str, server_url: str) -> dict[str, str]:
    """Write the fleet file and return the environment of every process."""
    rows = [
        {"id": owner, "kind": "user", "venue": venue, "policy": "all", "quote": QUOTES[venue]}
        | {"url": town.venue(owner).url}
        for owner, venue in OWNERS.items()
    ]
    document = {"version": 1, "policies": {"all": POLICY}, "accounts": rows, "watch": {"restart": RESTARTABLE}}
    fleet = home / "fleet.yaml"
    fleet.write_text(yaml.safe_dump(document), encoding="utf-8")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("NIJA_", "PREFECT_"))}
    own |= {
        "NIJA_HOME": str(home),
        "NIJA_DATABASE_URL": store_url,
        "NIJA_FLEET": str(fleet),
        "NIJA_VENUE_TIMEOUT_SECONDS": PATIENCE_SECONDS,
        "NIJA_CONNECT_COOL_DOWN_SECONDS": "0",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "PREFECT_API_URL": server_url,
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    for owner in OWNERS:
        keys = town.venue(owner).credentials(owner)
        for part, value in zip(("API_KEY", "API_SECRET", "API_PASSPHRASE"), keys, strict=True):
            if value is not None:
                own[f"NIJA_{owner.upper()}_{part}"] = value
    return own
