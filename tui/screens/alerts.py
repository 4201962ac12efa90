"""Where alerts go, whether they arrive there, and how to change that."""

from functools import partial
from pathlib import PurePath
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.channels import Channel
from store.errors import AgentmonError, ChangeRefusedError
from tui import draw, look
from tui.actions import Room, bindings
from tui.channels import (
    HOW_TO_ADD,
    NOTHING,
    NOTHING_READ_ONLY,
    ChannelLine,
    NewChannel,
    detail,
    heading,
    parse,
    segments,
    sent_text,
)
from tui.feed import FleetChanged
from tui.screens.confirm import Confirm
from tui.screens.list_screen import ListScreen
from tui.widgets.edit_line import EditLine
from tui.widgets.footer import ActionFooter
from tui.widgets.line_list import LineList

READ_EVERY = 3
"""Seconds between two looks at the channels."""


class AlertsScreen(ListScreen):
    """A line for each channel, and what there is to say of the selected one; a field below to add another."""

    room = Room.ALERTS
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.ALERTS)
    CSS_PATH: ClassVar[list[str | PurePath]] = ["lists.tcss", "alerts.tcss"]

    def __init__(self) -> None:
        """Start without knowing any."""
        super().__init__()
        self._channels: list[Channel] = []
        self._testing: set[str] = set()
        self._ticks = 0
        self._known = False
        self._typing = False
        self._adding = False
        self._problem = ""

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(Text(" Alerts", "bold"), id="head")
        yield LineList[ChannelLine](segments, lambda line: line.channel.id, heading)
        yield Static(id="empty")
        yield Static(id="detail")
        yield EditLine()
        yield ActionFooter(self.room, self.console.read_only)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the list be while one types."""
        return super().check_action(action, parameters) and not (self._typing and action in _NOT_WHILE_TYPING)

    def follow(self, change: FleetChanged | None) -> None:
        """Read the channels now and then, let the clocks go on meanwhile."""
        if change is None:
            self._ticks = 0
        if self._ticks % READ_EVERY == 0:
            self._look()
        self._ticks += 1
        self._show()

    def _look(self) -> None:
        self.run_worker(self._read(), group="channels", exclusive=True)

    async def _read(self) -> None:
        try:
            self._channels = await self.console.reader.channels()
        except AgentmonError as error:
            self._problem = str(error)
        else:
            self._known, self._problem = True, ""
        self._show()

    @property
    def _current(self) -> Channel | None:
        line: ChannelLine | None = self.lines.current
        return line.channel if line else None

    @property
    def has_subject(self) -> bool:
        """Whether there is a channel."""
        return self._current is not None

    def _show(self) -> None:
        if not (self.is_active and self.is_mounted):
            return
        now = self.console.now()
        self.lines.show(
            [ChannelLine(each, sent_text(each, now), each.name in self._testing) for each in self._channels]
        )
        self.query_one(ActionFooter).show(on_subject=self.has_subject)
        self.set_class(self._known and not self._channels, "empty")
        self.put(
            "empty", Text(NOTHING_READ_ONLY if self.console.read_only else NOTHING.format(new=self.key("add_channel")))
        )
        if not self._typing:
            self._detail()

    @on(LineList.Moved)
    def _detail(self) -> None:
        channel = self._current
        if self._problem:
            self.put("detail", Text(draw.safe(self._problem, 500), look.current.wrong))
        elif not self._typing:
            self.put("detail", detail(channel, self.console.now()) if channel else Text())

    def _explain(self, problem: str = "") -> None:
        """Say what can be typed, or what is wrong with what was."""
        first = Text(draw.safe(problem, 1000), look.current.wrong) if problem else Text(HOW_TO_ADD[0])
        self.put("detail", Text("\n").join([first, Text(HOW_TO_ADD[1], look.current.dim)]))

    def action_add_channel(self) -> None:
        """Ask where else alerts should go."""
        if self._adding:
            return
        self._typing = True
        self.add_class("typing")
        self.query_one(ActionFooter).display = False
        self._explain()
        self.query_one(EditLine).ask("Send alerts to", placeholder="ntfy://TOPIC")

    @on(EditLine.Changed)
    def _typed(self) -> None:
        if self._typing and not self._adding:
            self._explain()

    @on(EditLine.Entered)
    def _entered(self, message: EditLine.Entered) -> None:
        if self._adding:
            return
        try:
            wanted = parse(message.text)
        except ChangeRefusedError as error:
            self._explain(str(error))
            return
        self._adding = True
        self.put("detail", Text("adding…"))
        # The app's worker: whoever leaves meanwhile still learns how it ended.
        self.app.run_worker(self._add(wanted), group="change")

    async def _add(self, wanted: NewChannel) -> None:
        try:
            name = await self.console.admin.add_channel(url=wanted.url, command=wanted.command, level=wanted.level)
        except AgentmonError as error:
            self._not_added(str(error))
        else:
            self.console.say(f"alerts go to {name} from now on: {self.key('test_channel')} tests it")
            self._stop_typing()
            await self._read()
        finally:
            self._adding = False

    def _not_added(self, problem: str) -> None:
        if self._typing and self.is_active:
            self._explain(problem)
        else:
            self.console.say(problem, error=True)

    @on(EditLine.Left)
    def _stop_typing(self) -> None:
        self._typing = False
        self.remove_class("typing")
        if self.is_attached:
            self.query_one(EditLine).close()
            self.query_one(ActionFooter).display = True
            self._show()

    def action_test_channel(self) -> None:
        """Send a test message to the selected channel; how that went is said when it is known."""
        if (channel := self._current) and channel.name not in self._testing:
            self._testing.add(channel.name)
            self._show()
            self.app.run_worker(self._test(channel.name), group="test")

    async def _test(self, name: str) -> None:
        try:
            problem = await self.console.admin.test_channel(name)
        except AgentmonError as error:
            problem = str(error)
        finally:
            self._testing.discard(name)
        if problem is None:
            self.console.say(f"{name}: the test message was accepted")
        else:
            self.console.say(f"{name}: {problem}", error=True)
        if self.is_active:
            await self._read()

    def action_remove_channel(self) -> None:
        """Ask, then send no more alerts to the selected channel."""
        if channel := self._current:
            question = f"Send no more alerts to {channel.name}?"
            waiting = f"{channel.waiting:,} that wait to be sent are lost." if channel.waiting else ""
            # Pushed at once, not from a worker: else what is typed ahead would still be commands.
            self.app.push_screen(Confirm(question, waiting, yes="Delete"), partial(self._on_answered, channel.name))

    def _on_answered(self, name: str, confirmed: bool | None) -> None:
        if confirmed:
            self.app.run_worker(self._remove(name), group="change")

    async def _remove(self, name: str) -> None:
        try:
            await self.console.admin.remove_channel(name)
        except AgentmonError as error:
            self.console.say(str(error), error=True)
        else:
            self.console.say(f"no more alerts go to {name}")
            await self._read()


_NOT_WHILE_TYPING = frozenset({"add_channel", "test_channel", "remove_channel", "move"})
