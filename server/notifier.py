"""The notifier: makes messages of events, and has each channel's delivered, oldest first, for as long as it takes.

A message is made in the transaction that moves the mark past its events, and deleted in one after it was delivered.
So a crash at any moment loses none and makes none twice; only one between a delivery and its transaction repeats it.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from server.alerts import Alert, NotifierOptions, alert_of, backoff_s, is_time, reminders
from server.messages import make_content
from server.pairing import ended, pair
from store.channels import Target
from store.errors import StoreUnavailableError
from store.incidents import Incident
from store.live import Live
from store.outbox import Choice, Mark, Message, Outbox, Waiting, queue_messages, settle
from store.policy import DOWN_AFTER_S, Level
from store.text import safe_text
from store.writer import Writer

log = logging.getLogger("agentmon.notifier")

DELIVERY = "alerts on their way"
"""The name of the tasks that deliver, one for each channel at a time."""

Deliver = Callable[[Target, Mapping[str, Any]], Awaitable[str | None]]
"""Takes a message somewhere; returns why that failed, None if it arrived."""


@dataclass(frozen=True, slots=True)
class Setback:
    """Deliveries to a channel that failed in a row, until when (monotonic) to wait, whether the store knows."""

    failures: int
    until_s: float
    recorded: bool = False


class Notifier:
    """Tells people of one writer's events; `clock` gives UTC milliseconds, `monotonic` seconds that nobody sets."""

    def __init__(
        self,
        outbox: Outbox,
        writer: Writer,
        deliver: Deliver,
        clock: Callable[[], int],
        options: NotifierOptions | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        luck: Callable[[], float] = random.random,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock_moves: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare; `run` works until it is cancelled, and leaves the outbox open.

        While the `clock_moves`, since when servers are down cannot be compared with it.
        """
        self._outbox = outbox
        self._writer = writer
        self._deliver = deliver
        self._clock = clock
        self._options = options or NotifierOptions()
        self._monotonic = monotonic
        self._luck = luck
        self._wait = wait
        self._clock_moves = clock_moves
        self._read_to = 0
        self._began_s = monotonic()
        self._held: list[Alert] = []
        self._held_since_s: float | None = None
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._setbacks: dict[int, Setback] = {}
        self._delivered: set[int] = set()
        self._ending = False

    async def run(self) -> None:
        """Look for what is to be told, over and over."""
        try:
            while True:
                with contextlib.suppress(StoreUnavailableError):  # the writer says it, and the next look may do
                    await self.look()
                await self._wait(self._options.every_s)
        finally:
            await self.close()

    async def close(self) -> None:
        """Begin no more deliveries, and give up those that do not end soon; they are made at the next start."""
        self._ending = True
        busy = list(self._busy.values())
        if busy:
            await asyncio.wait(busy, timeout=self._options.grace_s)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    async def look(self) -> None:
        """Make messages of what is to be told by now, and begin to deliver what waits.

        Raises `StoreUnavailableError` where the store stops it.
        """
        mark = await self._outbox.mark()  # its time may have been moved, with the clock
        self._read_to = max(self._read_to, mark.event_id)
        await self._read()
        await self._tell(mark)
        waiting = await self._outbox.waiting()
        ids = {each.channel_id for each in waiting}
        self._setbacks = {i: setback for i, setback in self._setbacks.items() if i in ids}
        for each in waiting:
            if each.channel_id not in self._busy and self._may_try(each):
                self._begin(each)

    async def _read(self) -> None:
        while True:
            found, read_to = await self._outbox.unsent(self._read_to)
            self._held += [alert for event in found if (alert := alert_of(event)) is not None]
            if read_to == self._read_to:
                return
            self._read_to = read_to

    async def _tell(self, before: Mark) -> None:
        """Make messages of what was held long enough, and of what is due for a reminder."""
        now, lives = self._clock(), self._writer.lives
        ends = [alert for _, alert in ended(await self._outbox.told(), lives, now)]
        ripe = self._is_time([*self._held, *ends])
        again: tuple[Alert, ...] = ()
        reminded_at = before.reminded_at
        # Nobody is reminded of what they were not told yet.
        if not self._held and self._may_remind():
            again, reminded_at = reminders(lives.values(), reminded_at, now, self._options)
        mark = Mark(self._read_to if ripe else before.event_id, reminded_at)
        if mark == before and not ripe:
            return
        choose = partial(_choose, [*(self._held if ripe else ()), *again], now)
        await self._writer.transact(partial(queue_messages, choose=choose, mark=mark, now=now))
        if ripe:
            self._held, self._held_since_s = [], None

    def _is_time(self, alerts: Sequence[Alert]) -> bool:
        """Return whether to tell now of what waits, which is held from when the first of it was seen."""
        if not alerts:
            self._held_since_s = None
            return False
        now_s = self._monotonic()
        if self._held_since_s is None:
            self._held_since_s = now_s
        monitors = [live.monitor for live in self._writer.lives.values()]
        return is_time(alerts, now_s - self._held_since_s, monitors, self._options)

    def _may_remind(self) -> bool:
        """Return whether all had the time to report: who was down when the receiver ended may be back."""
        if self._clock_moves():
            return False
        return self._monotonic() - self._began_s >= min(DOWN_AFTER_S, self._options.remind_every_s)

    def _may_try(self, channel: Waiting) -> bool:
        setback = self._setbacks.get(channel.channel_id)
        if setback is None or self._monotonic() >= setback.until_s:
            return True
        return setback.recorded and not channel.failing  # a test has shown meanwhile that it works

    def _begin(self, channel: Waiting) -> None:
        task = asyncio.create_task(self._serve(channel), name=DELIVERY)
        self._busy[channel.channel_id] = task
        task.add_done_callback(partial(self._end, channel))

    def _end(self, channel: Waiting, task: asyncio.Task[None]) -> None:
        del self._busy[channel.channel_id]
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, StoreUnavailableError):
            log.error("alerts to %s cannot be sent", safe_text(channel.name), exc_info=error)
            self._fail(channel.channel_id)

    async def _serve(self, channel: Waiting) -> None:
        """Deliver all that waits for a channel, up to the first failure."""
        while not self._ending and (message := await self._outbox.next(channel.channel_id)) is not None:
            problem = await self._attempt(message)
            if problem is not None:
                self._fail(channel.channel_id)
            settled = partial(settle, message=message, now=self._clock(), problem=problem)
            await self._writer.transact(settled)
            self._settled(channel, message, problem)
            if problem is not None:
                return

    async def _attempt(self, message: Message) -> str | None:
        if message.id in self._delivered:  # but the store could not be told
            return None
        problem = await self._deliver(message.target, message.content)
        if problem is None:
            self._delivered.add(message.id)
        return problem

    def _fail(self, channel_id: int) -> None:
        before = self._setbacks.get(channel_id)
        failures = 1 if before is None else before.failures + 1
        pause_s = backoff_s(failures, self._luck(), self._options)
        self._setbacks[channel_id] = Setback(failures, self._monotonic() + pause_s)

    def _settled(self, channel: Waiting, message: Message, problem: str | None) -> None:
        self._delivered.discard(message.id)
        if problem is None:
            if self._setbacks.pop(channel.channel_id, None) is not None:
                log.info("alerts to %s arrive again", safe_text(channel.name))
            return
        setback = self._setbacks.get(channel.channel_id)
        if setback is None:  # the channel was removed meanwhile
            return
        self._setbacks[channel.channel_id] = replace(setback, recorded=True)
        if setback.failures == 1:
            log.warning("alerts to %s fail and are tried again: %s", safe_text(channel.name), safe_text(problem))


def _choose(
    alerts: Sequence[Alert], now: int, lives: Mapping[int, Live], level: Level, told: tuple[Incident, ...]
) -> Choice:
    """Return a channel's message of alerts, if any are for it, and what it believes to last after that."""
    taken, lasting = pair(alerts, level, told, lives, now)
    ids = {alert.monitor_id for alert in taken if alert.monitor_id is not None}
    about_all = any(alert.monitor_id is None for alert in taken)
    return Choice(make_content(taken) if taken else None, None if about_all else ids, lasting)
