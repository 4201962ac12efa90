"""Every change that a person can ask for, with its answer; the admin API and the command line both end here.

Arguments and results are plain JSON values, so that the same call goes through a socket or straight in.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from server.address import is_local
from server.channel_control import ChannelControl
from server.dispatch import Dispatcher
from server.fleet_judge import FleetJudge
from server.install_lines import install_lines
from server.reach import container_warning, others_note
from store import changes
from store.models import Credentials, ReceiverInfo
from store.policy import Changes
from store.tags import Edit
from store.writer import Writer

Operation = Callable[..., Awaitable[Any]]


class Control:
    """The operations by name, on a writer; `describe` tells of the receiver, `clock` gives UTC milliseconds.

    What a change may alter in the verdicts, `judge` decides at once.

    All raise `ChangeRefusedError` or `StoreUnavailableError`.
    """

    def __init__(
        self,
        writer: Writer,
        describe: Callable[[], ReceiverInfo],
        clock: Callable[[], int],
        judge: FleetJudge,
    ) -> None:
        """Keep what the operations need."""
        self._writer = writer
        self._describe = describe
        self._clock = clock
        self._judge = judge
        self.operations: dict[str, Operation] = {
            "receiver": self.receiver,
            "create": self.create,
            "credentials": self.credentials,
            "edit": self.edit,
            "rotate": self.rotate,
            "pause": self.pause,
            "resume": self.resume,
            "set": self.set,
            "set_defaults": self.set_defaults,
            "delete": self.delete,
            **ChannelControl(writer, Dispatcher(), clock).operations,
        }

    async def receiver(self) -> dict[str, Any]:
        """Return a `ReceiverInfo`."""
        return asdict(self._describe())

    async def create(
        self,
        names: list[str],
        agent_key: str | None = None,
        if_missing: bool = False,
        tags: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Create monitors, all or none; returns `Credentials` in the order of `names`."""
        made = await self._writer.change(
            partial(
                changes.create_monitors,
                names=names,
                now=self._clock(),
                agent_key=agent_key,
                if_missing=if_missing,
                tags=tags,
            )
        )
        return [self._credentials(*row) for row in made]

    async def credentials(self, name: str, url: str | None = None) -> dict[str, Any]:
        """Return the `Credentials` of a monitor, whose lines send its agent to `url` if that is given."""
        row = await self._writer.transact(partial(changes.read_credentials, name=name))
        return self._credentials(*row, url=url)

    async def edit(self, name: str, **edit: Any) -> None:
        """Give a monitor another name, tags or note: `edit` are fields of `store.tags.Edit`."""
        change = partial(changes.edit_monitor, name=name, edit=Edit(**edit), now=self._clock())
        await self._writer.change(change)

    async def rotate(self, name: str) -> dict[str, Any]:
        """Give a monitor a new key; returns `Credentials`."""
        await self._writer.change(partial(changes.rotate_key, name=name, now=self._clock()))
        return await self.credentials(name)

    async def pause(self, name: str, for_s: float | None = None) -> None:
        """Pause a monitor, for `for_s` seconds or until resumed."""
        now = self._clock()
        until = None if for_s is None else now + round(for_s * 1000)
        await self._writer.change(partial(changes.pause_monitor, name=name, now=now, until=until))

    async def resume(self, name: str) -> None:
        """Judge a paused monitor again."""
        await self._writer.change(
            partial(
                changes.resume_monitor,
                name=name,
                now=self._clock(),
                verdict=self._judge.verdict,
                silence_s=self._judge.silence_s,
            )
        )

    async def set(self, name: str, settings: Changes) -> None:
        """Change settings of a monitor (`store.policy`) and judge it by them at once."""
        await self._writer.change(partial(changes.set_monitor, name=name, settings=settings, now=self._clock()))
        await self._judge.pass_judgement(self._writer)

    async def set_defaults(self, settings: Changes) -> None:
        """Change the defaults of all monitors and judge by them at once."""
        await self._writer.change(partial(changes.set_defaults, settings=settings, now=self._clock()))
        await self._judge.pass_judgement(self._writer)

    async def delete(self, name: str) -> None:
        """Delete a monitor; its history follows a little at a time."""
        await self._writer.change(partial(changes.delete_monitor, name=name, now=self._clock()))

    def _credentials(self, monitor_id: int, name: str, agent_key: str, url: str | None = None) -> dict[str, Any]:
        info = self._describe()
        if url is not None:
            pin = info.pin if url.startswith("https:") else None
            info = replace(info, url=url, pin=pin, others=(), in_container=False)
        lines = install_lines(info.url, agent_key, info.pin)
        warning, note = info.problem or _warning(info), others_note(info.url, info.others)
        return asdict(Credentials(monitor_id, name, agent_key, lines, warning, note))


def _warning(info: ReceiverInfo) -> str | None:
    if is_local(info.url):
        return f"Only this machine can reach {info.url}; see --host and --public-url."
    return container_warning(info.url) if info.in_container else None
