"""The console: one Textual app that shows what the store holds and asks the receiver for changes."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.signal import Signal
from textual.widget import Widget
from textual.widgets import Input

from store.errors import StoreUnavailableError
from store.events import Event
from store.models import Monitor
from tui.actions import CHANGING, Room, bindings, offered
from tui.alerts import is_incident, toasts
from tui.clipboard import ClipboardApp
from tui.crash import QuietApp
from tui.deeds import Deeds
from tui.draw import safe
from tui.feed import FleetChanged, FleetFeed, FleetReader
from tui.freeze import FreezeApp, Standstill
from tui.keymap import keymap, shown_key
from tui.memory import Memory
from tui.ports import Admin
from tui.screens.base import ConsoleScreen
from tui.screens.fleet import FleetScreen
from tui.settings import ConsoleSettings
from tui.suspend import SuspendApp
from tui.themes import LookApp, begin_with
from tui.widgets.field import Field

TICK_S = 1.0
"""How often the store is read and clocks move on."""

ASK_EVERY = 5
"""Ticks between two questions to a receiver that answered; one that did not is asked each tick."""

ERROR_TOAST_S = 12.0
"""How long a toast of an incident stays, in seconds: one may be looking elsewhere; others stay as Textual has it."""


class ConsoleApp(Deeds, FreezeApp, SuspendApp, ClipboardApp, LookApp, QuietApp, inherit_bindings=False):
    """The console on one database.

    Screens find here what they share: `admin`, `reader`, `feed`, `now()`, `read_only`, `memory`, and `fleet_changed`,
    a signal published every second.
    """

    CSS_PATH = "app.tcss"
    TITLE = "agentmon"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.ANYWHERE)

    def __init__(
        self,
        database: Path,
        admin: Admin,
        *,
        settings: ConsoleSettings | None = None,
        clock: Callable[[], float] = time.time,
        reader: FleetReader | None = None,
    ) -> None:
        """Prepare a console; `clock` gives seconds since 1970, `reader` replaces the one on `database`."""
        self.settings = settings or ConsoleSettings()
        self.memory = Memory(self.settings.memory)
        super().__init__(begin_with(self.settings, self.memory.value.theme), self.settings.glyphs)
        self.admin = admin
        self.read_only = self.settings.read_only
        self.fleet_changed: Signal[FleetChanged] = Signal(self, "fleet changed")
        self.feed = FleetFeed(partial(_opened, database, reader), admin)
        self.standstill = Standstill()
        self._clock = clock
        self._ticks = 0
        self._said: dict[str, float] = {}
        self._typed_ahead: list[tuple[Screen[Any], events.Key]] = []
        self.animation_level = "none"

    @property
    def reader(self) -> FleetReader:
        """The store, to read; raises `StoreUnavailableError` while it is not open."""
        if self.feed.reader is None:
            raise StoreUnavailableError(self.feed.problem or "the database is not open yet")
        return self.feed.reader

    def now(self) -> int:
        """Return the time in UTC milliseconds: the wall clock's, or that of the picture if it is frozen."""
        return int(self._clock() * 1000) if self.frozen_at is None else self.frozen_at

    def look_changed(self, name: str) -> None:
        """Begin with this look the next time, and let what follows the fleet draw itself in it."""
        self.memory.remember(theme=name)
        self.fleet_changed.publish(FleetChanged())

    def get_default_screen(self) -> Screen[None]:
        """Return the home screen."""
        return FleetScreen()

    def on_mount(self) -> None:
        """Start the one timer."""
        self.set_keymap(keymap(self.settings.keys))
        self.set_interval(TICK_S, self._tick)
        self._tick()

    def _tick(self) -> None:
        if not self._busy("feed"):
            self.run_worker(self._read_fleet(), group="feed")
        if (self._ticks % ASK_EVERY == 0 or self.feed.receiver is None) and not self._busy("receiver"):
            self.run_worker(self._ask_receiver(), group="receiver")
        if self._ticks % ASK_EVERY == 0 or getattr(self.screen, "room", None) is Room.REJECTED:
            self.look_for_rejections()
        self.memory.flush()
        self._ticks += 1

    def _busy(self, group: str) -> bool:
        return any(worker.group == group and not worker.is_finished for worker in self.workers)

    async def refresh_fleet(self) -> None:
        """Read what changed and tell the screens; called after each change made here."""
        await self._read_fleet()
        if self.frozen_at is not None:
            self.say(f"The picture is frozen: {shown_key('freeze', self.settings.keys)} shows what has changed")

    async def _read_fleet(self) -> None:
        change = await self.feed.refresh()
        self.publish(change)
        self._alert(change.events)

    def publish(self, change: FleetChanged) -> None:
        """Tell the screens what changed in a second, unless the picture stands still."""
        if self.frozen_at is None:
            self.fleet_changed.publish(change)
        else:
            self.standstill.hold_back(change)

    def _alert(self, events: Sequence[Event]) -> None:
        """Tell of what happened wherever one is in the console."""
        for toast in toasts(events, self.settings.keys):
            timeout = ERROR_TOAST_S if toast.severity == "error" else None
            self.notify(toast.text, severity=toast.severity, timeout=timeout, markup=False)
        if self.settings.bell and any(is_incident(event) for event in events):
            self.bell()

    def look_for_rejections(self) -> None:
        """Read what was refused lately, and tell the screens if that is more."""
        if not self._busy("rejections"):
            self.run_worker(self._read_rejections(), group="rejections")

    async def _read_rejections(self) -> None:
        before = self.feed.rejections
        await self.feed.read_rejections()
        if self.feed.rejections != before:
            self.publish(FleetChanged())

    async def _ask_receiver(self) -> None:
        before = (self.feed.receiver, self.feed.receiver_problem)
        await self.feed.ask_receiver()
        if before != (self.feed.receiver, self.feed.receiver_problem):
            self.publish(FleetChanged())
        if isinstance(self.screen, ConsoleScreen):
            self.screen.show_on_top()

    async def on_unmount(self) -> None:
        """Remember how the console is left, and let go of the database, else its thread would keep the process."""
        self.memory.flush()
        await self.feed.close()

    def on_key(self, event: events.Key) -> None:
        """Give keys that were typed ahead to the field that has the focus by now.

        Textual sends a key to what had the focus when it came. Over a slow link `/web` comes in one piece, and the
        field that `/` opens would miss the rest: it is kept here until the field is ready, enter and all.
        """
        key = events.Key(event.key, event.character)
        if self.focused is None:
            # Escape leads out of a screen whatever has become of its focus.
            if self.screen.AUTO_FOCUS and event.key != "escape":
                event.prevent_default().stop()
                self._typed_ahead.append((self.screen, key))
        elif _takes(self.focused, event):
            event.prevent_default().stop()
            self.focused.post_message(key)

    def on_paste(self) -> None:
        """Say that a paste which no field has taken did nothing: its letters are not taken for keys."""
        self.say("Nothing was pasted: there is no field to paste into here")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Hand over what was typed ahead for this screen; what was meant for another is gone with it."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False
        if not event.widget.is_attached:  # its screen was closed meanwhile
            return
        typed, self._typed_ahead = self._typed_ahead, []
        for screen, key in typed:
            if screen is event.widget.screen:
                event.widget.post_message(key)

    def say(self, text: str, *, error: bool = False) -> None:
        """Show a line of any origin as a toast, unless it is being shown: a key that is held says the same again."""
        line, now = safe(text, 500), time.monotonic()
        if self._said.get(line, 0.0) < now:
            self._said = {each: until for each, until in self._said.items() if until >= now}
            self._said[line] = now + self.NOTIFICATION_TIMEOUT
            self.notify(line, severity="error" if error else "information", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse what changes something when the console is read-only, wherever it is bound."""
        return not (self.read_only and action in CHANGING)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yield the palette's commands: the actions of the screen below it."""
        room = screen.room if isinstance(screen, ConsoleScreen) else Room.ANYWHERE
        on_subject = isinstance(screen, ConsoleScreen) and screen.has_subject
        unchanging = self.read_only or (isinstance(screen, ConsoleScreen) and bool(screen.refusal))
        for action in offered(room, read_only=unchanging, on_subject=on_subject, keys=self.settings.keys):
            if action.palette:
                run = partial(self.run_action, action.name, screen)
                yield SystemCommand(f"{action.label}  ({action.shown})", action.help, run)

    def action_command_palette(self) -> None:
        """Show the palette, unless it is open."""
        from tui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def open_monitor(self, monitor_id: int) -> None:
        """Show everything about one monitor."""
        from tui.screens.server import ServerScreen

        self.push_screen(ServerScreen(monitor_id))

    def open_history(self, monitor_id: int, until_ms: int | None = None) -> None:
        """Show the charts of one monitor's history, up to now or to a time in the past."""
        from tui.screens.history import HistoryScreen

        self.push_screen(HistoryScreen(monitor_id, until_ms))

    def action_all_events(self) -> None:
        """Show the events of all servers."""
        self._open_events(None)

    def action_events(self) -> None:
        """Show the events of the monitor at hand."""
        if isinstance(self.screen, ConsoleScreen) and (monitor := self.screen.take_subject()):
            self._open_events(monitor)

    def _open_events(self, monitor: Monitor | None) -> None:
        from tui.screens.events import EventsScreen

        self.push_screen(EventsScreen(monitor))

    def action_rejected(self) -> None:
        """Show what was refused, and why."""
        from tui.screens.rejected import RejectedScreen

        self.push_screen(RejectedScreen())

    def action_show_limits(self) -> None:
        """Show the limits of the monitor at hand."""
        from tui.screens.limits import LimitsScreen

        if monitor := self._subject(to_look=True):
            self.push_screen(LimitsScreen(monitor.id))

    def action_show_alerts(self) -> None:
        """Show where alerts go."""
        from tui.screens.alerts import AlertsScreen

        self.push_screen(AlertsScreen())

    async def action_back(self) -> None:
        """Close the screen on top; from a key, go home."""
        if isinstance(self.screen, ConsoleScreen) and self.screen.room is Room.KEY:
            self.go_home()
        elif len(self.screen_stack) > 1:
            self.pop_screen()

    def action_help(self) -> None:
        """Show all keys, those of this screen first, or close them again."""
        from tui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
        elif isinstance(self.screen, ConsoleScreen):
            self.push_screen(HelpScreen(self.screen.room))

    def action_hint_quit(self) -> None:
        """Tell fingers that remember ctrl+c how to quit."""
        self.say(f"{shown_key('quit', self.settings.keys)} quits")


def _takes(widget: Widget, key: events.Key) -> bool:
    """Return whether a key is text, or the like, to what has the focus: a field of ours, or that of the palette."""
    return widget.takes(key) if isinstance(widget, Field) else isinstance(widget, Input) and key.is_printable


async def _opened(database: Path, reader: FleetReader | None) -> FleetReader:
    if reader is not None:
        return reader
    # Imported after the first picture, which SQLite and the store would hold up.
    from store.reader import Reader

    return await Reader.open(database)
