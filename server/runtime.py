"""All of the receiver on one event loop: report API, store, judge and admin API, from start to drained end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from server.address import is_local
from server.admin import start_admin
from server.alerts import NotifierOptions
from server.clock import ReceiverClock
from server.clock_steps import ClockSteps, Run, kept_since, newest_at
from server.control import Control
from server.dispatch import Dispatcher
from server.fleet_judge import FleetJudge
from server.intake import Intake, NetworkIntake
from server.listening import ListeningClock
from server.notifier import Notifier
from server.premises import Premises
from server.reach import container_warning, others_note
from server.ready import Supervisor, fleet_in_words
from server.receiver import ReceiverOptions
from server.rejected import keep, open_log
from server.upkeep import Upkeep, UpkeepOptions
from store import changes, runs
from store.addresses import keep_address
from store.errors import AgentmonError, ChangeRefusedError, StoreUnavailableError
from store.models import ReceiverInfo, Status
from store.outbox import Outbox
from store.policy import Settings
from store.writer import Writer

log = logging.getLogger("agentmon.receiver")

JUDGE_EVERY_S = 1.0
"""Also how soon a moved file of the database is noticed, and how soon the end of a pause."""

HEARTBEAT_EVERY_S = 10.0
GRACE_S = 5.0
"""How long requests in flight may take when the receiver stops, which must end within 10 s."""


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How the receiver runs; the intervals are there for tests that will not wait.

    `intake` is where reports come from, and the clocks that go with it; None: from the network, as they come.
    """

    receiver: ReceiverOptions = field(default_factory=ReceiverOptions)
    judge_every_s: float = JUDGE_EVERY_S
    heartbeat_every_s: float = HEARTBEAT_EVERY_S
    grace_s: float = GRACE_S
    upkeep: UpkeepOptions = field(default_factory=UpkeepOptions)
    notifier: NotifierOptions = field(default_factory=NotifierOptions)
    limits: Settings = field(default_factory=dict)
    """What the configuration file says of all monitors; beneath what people set."""
    intake: Intake | None = None
    supervisor: Supervisor = field(default_factory=Supervisor)


class Runtime:
    """The parts that run together on one loop."""

    def __init__(self, premises: Premises, options: RuntimeOptions) -> None:
        """Keep what is needed; `run` does the rest."""
        self._premises = premises
        self._options = options
        self._intake = options.intake or _from_network(premises, options)
        self._receiver_clock = ReceiverClock(self._intake.wall, self._intake.steady_s)
        self._clock = self._receiver_clock.now
        self._listening = self._intake.listening
        self._reach = premises.find_reach()
        self._run = Run(0, 0)
        self._stop = asyncio.Event()
        self._lock_trouble: str | None = None

    def stop(self) -> None:
        """Ask `run` to end in good order; call it on the loop."""
        self._stop.set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until `stop`; `ready` is called once reports are taken.

        Raises `StoreUnavailableError` if the store cannot even be opened.
        """
        intake, note = self._intake, self._premises.lock.note
        writer = await Writer.open(self._premises.database, self._clock, self._listening.now, note, intake.steady_s)
        async with contextlib.AsyncExitStack() as closing:
            closing.push_async_callback(writer.close)
            newest = await self._begin_run(writer)
            describe = partial(self._describe, writer)
            judge = await FleetJudge.open(writer, self._clock, self._listening.now)
            await self._configure(writer)
            await self._keep_address(writer, judge)
            control = Control(writer, describe, self._clock, judge)
            admin = await start_admin(control, self._premises.admin)
            closing.push_async_callback(admin.cleanup)
            rejected = await open_log(writer, self._clock)
            outbox = await Outbox.open(self._premises.database)
            closing.push_async_callback(outbox.close)
            await self._intake.open(writer, rejected)
            self._receiver_clock.begin(newest_at(writer.lives))  # a simulation has put it elsewhere
            self._tell_address()
            ready()
            self._options.supervisor.tell(READY="1", STATUS=self._in_words(writer))
            clock_steps = ClockSteps(self._receiver_clock, writer, (rejected, judge), self._run, newest)
            async with asyncio.TaskGroup() as group:
                duties = [
                    group.create_task(self._judge(writer, control, judge, clock_steps)),
                    group.create_task(self._beat(writer, judge)),
                    group.create_task(clock_steps.follow()),
                    group.create_task(keep(rejected, writer)),
                    group.create_task(Upkeep(writer, self._options.upkeep, self._clock).run()),
                    group.create_task(self._notifier(writer, outbox, clock_steps).run()),
                ]
                if self._premises.certificate is not None:
                    duties.append(group.create_task(self._premises.certificate.follow()))
                await self._stop.wait()
                for duty in duties:
                    duty.cancel()
                await self._drain(writer, clock_steps)

    async def _begin_run(self, writer: Writer) -> int | None:
        """Begin by the time of day that is to be believed; returns the newest (ms) that was stored before."""
        ran = await writer.transact(runs.read_runs)
        newest = newest_at(writer.lives, ran)
        self._receiver_clock.begin(newest, kept_since(ran))
        self._run.since = self._clock()
        self._run.id = await writer.transact(partial(runs.begin_run, now=self._run.since))
        return newest

    async def _configure(self, writer: Writer) -> None:
        """Keep the limits where the console and other commands find them too, and judge by them."""
        configure = partial(changes.configure, settings=self._options.limits, now=self._clock())
        if await writer.change(configure):
            log.info("took over the limits of the configuration file: %d settings", len(self._options.limits))

    async def _keep_address(self, writer: Writer, judge: FleetJudge) -> None:
        """Look where agents can reach it now, and notice if that is elsewhere than where they were sent."""
        if self._premises.listener is None:
            return
        reach = self._premises.find_reach()
        if is_local(reach.url) and not is_local(self._reach.url):
            return  # without a network just now, it will hardly be reached elsewhere than before
        if reach.url != self._reach.url:
            log.warning("agents reach it at %s now, no longer at %s", reach.url, self._reach.url)
        self._reach = reach
        if self._premises.public_url is None and not is_local(reach.url):
            keep = partial(keep_address, address=reach.address, own=reach.others, now=self._clock())
            judge.addresses = await writer.transact(keep)

    def _notifier(self, writer: Writer, outbox: Outbox, clock_steps: ClockSteps) -> Notifier:
        return Notifier(
            outbox,
            writer,
            Dispatcher().deliver,
            self._clock,
            self._options.notifier,
            clock_moves=lambda: clock_steps.moving,
        )

    def _tell_address(self) -> None:
        if self._premises.listener is None:
            return
        log.info("listening on %s", self._premises.own_url)
        if self._reach.url != self._premises.own_url:
            log.info("agents reach it at %s", self._reach.url)
        if is_local(self._reach.url):
            log.info("no other machine can reach it")
        if note := others_note(self._reach.url, self._reach.others):
            log.info("%s", note)
        if self._reach.in_container:
            log.warning("%s", container_warning(self._reach.url))

    async def _drain(self, writer: Writer, clock_steps: ClockSteps) -> None:
        log.info("stopping: finishing what is in flight")
        self._options.supervisor.tell(STOPPING="1", STATUS="finishing what is in flight")
        await self._intake.close(self._options.grace_s)
        with contextlib.suppress(StoreUnavailableError):
            await clock_steps.end()
            await writer.transact(partial(runs.end_run, run_id=self._run.id, now=self._clock()))

    def _describe(self, writer: Writer) -> ReceiverInfo:
        reach = self._reach
        return ReceiverInfo(
            self._run.since, reach.url, writer.problem, self._premises.pin, reach.others, reach.in_container
        )

    async def _judge(self, writer: Writer, control: Control, judge: FleetJudge, clock_steps: ClockSteps) -> None:
        while True:
            self._listening.tick(runs=writer.problem is None)
            self._keep_lock()
            with contextlib.suppress(StoreUnavailableError):  # `problem` says it, and health and the console show it
                await writer.look_after_files()
                if not clock_steps.moving:
                    await self.end_pauses(writer, control)
                for event in (await judge.pass_judgement(writer)).events:
                    log.info("monitor %s: %s", event.monitor_id or "-", event.kind)
            await asyncio.sleep(self._options.judge_every_s)

    def _keep_lock(self) -> None:
        trouble: str | None = None
        try:
            if not self._premises.lock.keep():
                trouble = "another process holds it"
        except (AgentmonError, OSError) as error:
            trouble = str(error)
        if trouble and trouble != self._lock_trouble:
            log.error("the lock file was deleted or replaced, and cannot be made anew: %s", trouble)
        self._lock_trouble = trouble

    async def end_pauses(self, writer: Writer, control: Control) -> None:
        """Judge again what was paused until now."""
        now = self._clock()
        for live in list(writer.lives.values()):
            monitor = live.monitor
            if monitor.status is Status.PAUSED and monitor.paused_until is not None and monitor.paused_until <= now:
                with contextlib.suppress(ChangeRefusedError):  # deleted or renamed while others were resumed
                    await control.resume(monitor.name)

    async def _beat(self, writer: Writer, judge: FleetJudge) -> None:
        """Note in the database that the receiver runs, and let the service manager know.

        A store that refuses has answered, and a restart would not mend it; one that hangs ends the signs of life.
        """
        every_s = self._options.supervisor.pulse_s(self._options.heartbeat_every_s)
        while True:
            await asyncio.sleep(every_s)
            with contextlib.suppress(StoreUnavailableError):
                await writer.transact(partial(runs.beat, run_id=self._run.id, now=self._clock()))
                await self._keep_address(writer, judge)
            self._options.supervisor.tell(WATCHDOG="1", STATUS=self._in_words(writer))

    def _in_words(self, writer: Writer) -> str:
        fleet = fleet_in_words(live.monitor.status for live in writer.lives.values())
        return f"{self._reach.url} {writer.problem or fleet}"


def _from_network(premises: Premises, options: RuntimeOptions) -> NetworkIntake:
    if premises.listener is None:
        raise ValueError("premises without a listener need an intake of their own")
    listening = ListeningClock(patience_s=3 * options.judge_every_s)
    return NetworkIntake(premises.listener, options.receiver, listening, premises.certificate)
