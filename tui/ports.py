"""What the console asks of the rest of the house; whoever starts it hands in something of this shape."""

from typing import Protocol

from store.models import Credentials, ReceiverInfo
from store.policy import Changes, Level
from store.tags import Edit


class Admin(Protocol):
    """The changes that a person can ask for.

    Every method raises `store.errors.ChangeRefusedError` when the change cannot be made (the message says why)
    and `store.errors.ReceiverUnreachableError` when no receiver runs on this database.
    """

    async def receiver(self) -> ReceiverInfo:
        """Return what the running receiver says of itself."""
        ...

    async def credentials(self, name: str) -> Credentials:
        """Return a monitor's newest agent key and its install command."""
        ...

    async def create(self, name: str) -> Credentials:
        """Create a monitor with a new key."""
        ...

    async def edit(self, name: str, edit: Edit) -> None:
        """Give a monitor another name, tags or note, all or nothing."""
        ...

    async def rotate(self, name: str) -> Credentials:
        """Give a monitor a new key; the old one works until the first report with the new one."""
        ...

    async def pause(self, name: str, for_s: float | None = None) -> None:
        """Judge a monitor no more, until resumed or for `for_s` seconds."""
        ...

    async def resume(self, name: str) -> None:
        """Judge a paused monitor again."""
        ...

    async def delete(self, name: str) -> None:
        """Remove a monitor and its history."""
        ...

    async def set(self, name: str, settings: Changes) -> None:
        """Change settings of one monitor; None returns to the default."""
        ...

    async def set_defaults(self, settings: Changes) -> None:
        """Change the defaults of all monitors; None returns to what is built in."""
        ...

    async def add_channel(
        self, *, url: str | None = None, command: str | None = None, name: str | None = None, level: Level
    ) -> str:
        """Send alerts of at least `level` to an Apprise URL or a command from now on; returns the channel's name."""
        ...

    async def remove_channel(self, name: str) -> None:
        """Send no more alerts there."""
        ...

    async def test_channel(self, name: str) -> str | None:
        """Send a test message there now; returns why that failed, None if it arrived."""
        ...
