"""What is done to monitors from the console: asked for on a screen, carried out by the receiver, told as a toast."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from store.errors import AgentmonError, ChangeRefusedError
from store.models import Monitor, Status
from store.tags import Edit
from tui.draw import safe
from tui.feed import FleetFeed
from tui.keymap import shown_key
from tui.ports import Admin
from tui.screens.base import ConsoleScreen
from tui.settings import ConsoleSettings

if TYPE_CHECKING:
    from tui.screens.pause import Pause

NAMES_SHOWN = 10
"""How many names a toast tells before it says how many more there are."""

Change = Callable[[str], Awaitable[None]]
"""One request about the monitor of a name."""


@dataclass(slots=True)
class Outcome:
    """How a deed on several monitors went: names with which it was done, and those with which it was not, by reason."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)


def named(names: Sequence[str]) -> str:
    """Return names as people list them, safe to show: "web-1, web-2 and 3 more"."""
    shown = ", ".join(safe(name, 64) for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def counted(monitors: Sequence[Monitor]) -> str:
    """Return what several monitors are called in a question: the name of one, the number of more with their names."""
    names = [monitor.name for monitor in monitors]
    return names[0] if len(names) == 1 else f"{len(names)} servers: {named(names)}"


def told(outcome: Outcome, what: str) -> str:
    """Return how a deed went in a sentence; `what` is what the monitors are by now: "paused"."""
    total = len(outcome.done) + sum(map(len, outcome.failed.values()))
    if not outcome.failed:
        return f"{outcome.done[0]} is {what}" if total == 1 else f"{total} servers are {what} ({named(outcome.done)})"
    if total == 1:
        return next(iter(outcome.failed))
    reasons = "; ".join(f"not {named(names)}: {reason}" for reason, names in outcome.failed.items())
    return f"{len(outcome.done)} of {total} servers are {what}; {reasons}"


async def carry_out(names: Iterable[str], change: Change) -> Outcome:
    """Ask for a change of each monitor, one after the other.

    What the receiver refuses fails that monitor alone; where it cannot be asked at all, the rest is not tried.
    """
    outcome, hopeless = Outcome(), ""
    for name in names:
        if hopeless:
            outcome.failed[hopeless].append(name)
            continue
        try:
            await change(name)
        except ChangeRefusedError as error:
            outcome.failed.setdefault(str(error), []).append(name)
        except AgentmonError as error:
            hopeless = str(error)
            outcome.failed.setdefault(hopeless, []).append(name)
        else:
            outcome.done.append(name)
    return outcome


class Deeds(App[None], inherit_bindings=False):
    """The part of the console that changes monitors: those that are marked, else the one at hand."""

    admin: Admin
    feed: FleetFeed
    settings: ConsoleSettings

    @abstractmethod
    def say(self, text: str, *, error: bool = False) -> None:
        """Show a line of any origin as a toast."""

    @abstractmethod
    async def refresh_fleet(self) -> None:
        """Read what changed and tell the screens."""

    def go_home(self) -> None:
        """Close every screen but the fleet."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def _subject(self, *, to_look: bool = False) -> Monitor | None:
        """Return the monitor that is about to be changed, None if there is none or it cannot be.

        `to_look` is for a screen that shows something first: without a receiver, that can be read all the same.
        """
        if self._refused(to_look=to_look) or not isinstance(self.screen, ConsoleScreen):
            return None
        return self.screen.take_subject()

    def _subjects(self) -> list[Monitor]:
        """Return the monitors that are about to be changed together; none if they cannot be."""
        if self._refused() or not isinstance(self.screen, ConsoleScreen):
            return []
        return self.screen.take_subjects()

    def _refused(self, *, to_look: bool = False) -> bool:
        """Say why nothing can be changed from the screen on top, if so."""
        refusal = self.screen.refusal if isinstance(self.screen, ConsoleScreen) else ""
        if not refusal and self.feed.unreachable and not to_look:
            refusal = f"Not possible now: {self.feed.receiver_problem}"
        if refusal:
            self.say(refusal, error=self.feed.unreachable)
        return bool(refusal)

    def _do(
        self, monitors: Sequence[Monitor], change: Change, what: str, hint: str = "", *, home: bool = False
    ) -> None:
        """See a change of monitors through and tell how it went; `home` leaves their screens once it is done."""
        names = [monitor.name for monitor in monitors]
        self.run_worker(self._see_through(names, change, what, hint, home), group="change")

    async def _see_through(self, names: list[str], change: Change, what: str, hint: str, home: bool) -> None:
        outcome = await carry_out(names, change)
        if outcome.done:
            if home:
                self.go_home()
            await self.refresh_fleet()
        self.say(told(outcome, what) + ("" if outcome.failed else hint), error=bool(outcome.failed))

    def action_new_monitor(self) -> None:
        """Ask for a new monitor's name."""
        from tui.screens.new_monitor import NewMonitorScreen

        if not self._refused():
            self.push_screen(NewMonitorScreen())

    def action_show_key(self) -> None:
        """Show the agent key of the monitor at hand."""
        from tui.screens.key import KeyScreen

        if monitor := self._subject():
            self.push_screen(KeyScreen(monitor.name))

    def action_edit(self) -> None:
        """Change name, tags and note of the monitor at hand."""
        from tui.screens.edit import EditScreen

        if monitor := self._subject():
            self.push_screen(EditScreen(monitor))

    def action_tag(self) -> None:
        """Ask which tags to add to the monitors at hand, or to remove."""
        from tui.screens.tag import TagDialog

        if monitors := self._subjects():
            self.push_screen(TagDialog(monitors), partial(self._on_tags_answered, monitors))

    def _on_tags_answered(self, monitors: list[Monitor], edit: Edit | None) -> None:
        if edit:
            self._do(monitors, lambda name: self.admin.edit(name, edit), retagged(edit))

    def action_pause(self) -> None:
        """Ask for how long to pause the monitors at hand, or resume them if all are paused."""
        from tui.screens.pause import PauseDialog

        monitors = self._subjects()
        if not monitors:
            return
        if all(monitor.status is Status.PAUSED for monitor in monitors):
            self._do(monitors, self.admin.resume, "judged again")
        else:
            self.push_screen(PauseDialog(monitors[0].name, len(monitors)), partial(self._on_pause_answered, monitors))

    def _on_pause_answered(self, monitors: list[Monitor], pause: "Pause | None") -> None:
        if pause:
            them = "it" if len(monitors) == 1 else "them"
            hint = f": {shown_key('pause', self.settings.keys)} resumes {them}"
            self._do(monitors, lambda name: self.admin.pause(name, pause.for_s), "paused", hint)

    def action_delete(self) -> None:
        """Remove the monitor at hand once its name has been typed, or several once their number has."""
        from tui.screens.confirm import ConfirmDelete, ConfirmDeleteMany

        if monitors := self._subjects():
            names = [monitor.name for monitor in monitors]
            question = ConfirmDelete(names[0]) if len(names) == 1 else ConfirmDeleteMany(names)
            # Pushed at once, not from a worker: else what is typed ahead would still be commands.
            self.push_screen(question, partial(self._on_delete_answered, monitors))

    def _on_delete_answered(self, monitors: list[Monitor], confirmed: bool | None) -> None:
        if confirmed:
            self._do(monitors, self.admin.delete, "deleted", home=True)


def retagged(edit: Edit) -> str:
    """Return what monitors are after their tags were changed: "tagged web, prod and no longer old"."""
    added, dropped = ", ".join(edit.add_tags), ", ".join(edit.drop_tags)
    parts = [f"tagged {added}" if added else "", f"no longer tagged {dropped}" if dropped else ""]
    return " and ".join(filter(None, parts))


def tag_counts(monitors: Iterable[Monitor]) -> Mapping[str, int]:
    """Return how many of the monitors have each tag, the most frequent first."""
    return dict(Counter(tag for monitor in monitors for tag in monitor.tags).most_common())
