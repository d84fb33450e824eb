"""System: ways to venues and their breakers, allowances, parts and workers, leases, heartbeats, versions."""

from fastapi import Request
from nicegui import ui

from desk.actions import system as actions
from desk.desk import Desk
from desk.listing import Tone
from desk.pages.live import follow
from desk.pages.parts import Empty, Figure, ask_why, facts, figures, panel
from desk.pages.shell import done, shell
from desk.pages.table import RowAction, Table
from desk.views import system as views
from desk.views.system import Way
from models.breaker import Health
from models.people import Role, Who

_TOPICS = ("breakers", "throttles", "leases", "heartbeats")
_AGAIN_EVERY = 5.0  # seconds: ages grow, and the process list is no table


@ui.page("/system")
async def system_page(request: Request) -> None:
    """Show what the desk stands on."""
    with shell(request, "System", lead="What everything stands on: venues, workers, leases, versions.") as (desk, who):
        page = _System(desk, who)
        await page.refresh()
        follow(desk, request, _TOPICS, page.refresh)
        ui.timer(_AGAIN_EVERY, page.refresh)


class _System:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        self._figures = ui.element("div")
        with panel("Ways to venues"):
            reset = RowAction[Way](
                "reset", "Reset", self._reset, when=lambda way: way.health is not Health.HEALTHY, tone="danger"
            )
            self._ways = Table(
                views.WAYS,
                label="Ways to venues",
                export="/api/system/breakers/export",
                actions=(reset,) if who.role.reaches(Role.OPERATOR) else (),
                named=lambda way: way.whose,
                empty=Empty(
                    "No venue was asked anything yet.", "Look at an account for the first time:", "nija doctor"
                ),
            )
        with panel("Allowances"):
            self._throttles = Table(
                views.THROTTLES,
                label="Allowances",
                export="/api/system/throttles/export",
                empty=Empty("Nothing of what the venues allow is used up.", "It fills while they are asked."),
            )
        with panel("Pipelines"):
            self._beats = Table(
                views.BEATS,
                label="Pipelines",
                export="/api/system/heartbeats/export",
                empty=Empty("No pipeline has run yet.", "Start the whole stack, or one run by hand:", "nija up"),
            )
        with panel("Parts and workers"):
            self._parts = Table(
                views.PARTS,
                label="Parts and workers",
                export="/api/system/parts/export",
                empty=Empty("No stack was started on this machine.", "Start it with", "nija up"),
            )
        with panel("Leases and watches"):
            self._leases = Table(
                views.LEASES,
                label="Leases and watches",
                export="/api/system/leases/export",
                empty=Empty("Nothing is held, and nothing was.", "A run that writes to an account holds its lease."),
            )
        with panel("Versions"), ui.element("div").classes("panel-body"):
            found = views.versions(desk)
            about = [("Python", f"{found.python}, {found.system}"), ("Store", found.store)]
            facts([*about, ("Schema", found.schema_revision), *found.packages.items()])

    async def refresh(self) -> None:
        """Show what is known now."""
        ways, beats, leases = (
            await views.ways(self._desk),
            await views.beats(self._desk),
            await views.leases(self._desk),
        )
        stack = views.stack(self._desk)
        parts = [] if stack is None else stack.parts
        self._ways.show(ways)
        self._throttles.show(await views.throttles(self._desk))
        self._beats.show(beats)
        self._parts.show(parts)
        self._leases.show(leases)
        offline = sum(way.health is Health.OFFLINE for way in ways)
        late = sum(beat.late for beat in beats)
        abandoned = sum(lease.state == "ran out" for lease in leases)
        well = sum(part.state in {"ready", "done"} for part in parts)
        self._figures.clear()
        with self._figures:
            figures(
                [
                    Figure("Ways offline", str(offline), f"of {len(ways)}", Tone.BAD if offline else Tone.GOOD),
                    Figure("Pipelines late", str(late), f"of {len(beats)}", Tone.BAD if late else Tone.GOOD),
                    Figure("Leases held", str(sum(lease.state == "held" for lease in leases))),
                    Figure(
                        "Left behind", str(abandoned), "leases that ran out", Tone.WARN if abandoned else Tone.PLAIN
                    ),
                    Figure("Parts well", f"{well} of {len(parts)}" if parts else "no stack here"),
                ]
            )

    async def _reset(self, way: Way) -> None:
        words = "Nothing shows that the venue is back: the next faults open it again."
        why = await ask_why(f"Reset {way.whose}?", words, yes="Reset", look="danger")
        if why is not None:
            act = actions.reset(self._desk, self._who, way.venue, why, account=way.account, direction=way.direction)
            await done(act, f"{way.whose}: reset")
            await self.refresh()
