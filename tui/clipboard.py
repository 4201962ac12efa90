"""Copying to the clipboard of the person who looks, who may sit behind SSH, tmux or screen.

The escape sequence OSC 52 asks a terminal to take a text; it alone finds its way through SSH. Screen passes it on
only in a wrapping of its own, tmux only if it is set to; tmux therefore is also given the text itself.
"""

import asyncio
import base64
import contextlib
import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping

from textual.app import App

TMUX_LIMIT_S = 2.0
"""How long tmux may take."""

PIECE = 200
"""Characters that are wrapped for screen at once: it throws strings away that are longer than some hundred."""

DIRECTLY = "copied, if this terminal allows it (OSC 52)"
VIA_SCREEN = "copied through screen, if the terminal allows it (OSC 52)"
INTO_TMUX = "copied into tmux's buffer, and to the clipboard if the terminal allows it"
NOT_TMUX = "copied, if tmux (set-clipboard on) and the terminal allow it (OSC 52)"


def osc52(text: str) -> str:
    """Return what asks a terminal to take a text into its clipboard.

    It ends in BEL: the other end there is, ESC and a backslash, would also end what screen wraps it in.
    """
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"


def through_screen(sequence: str) -> str:
    """Return a sequence so that screen hands it on to its terminal untouched, in pieces that it has room for."""
    return "".join(f"\x1bP{piece}\x1b\\" for piece in _pieces(sequence))


def _pieces(sequence: str) -> Iterator[str]:
    for start in range(0, len(sequence), PIECE):
        yield sequence[start : start + PIECE]


def is_in_tmux(environment: Mapping[str, str]) -> bool:
    """Return whether the console runs inside tmux."""
    return bool(environment.get("TMUX"))


def is_in_screen(environment: Mapping[str, str]) -> bool:
    """Return whether the console runs inside screen; where both are named, tmux is taken for the inner one."""
    return bool(environment.get("STY")) and not is_in_tmux(environment)


async def give_to_tmux(text: str) -> bool:
    """Put a text into tmux's buffer and, where tmux is new enough (3.2), on to its terminal's clipboard.

    The text is not seen in any list of processes. Returns whether tmux has it.
    """
    try:
        async with asyncio.timeout(TMUX_LIMIT_S):
            return await _load_buffer(text, "-w") or await _load_buffer(text)
    except (OSError, TimeoutError):
        return False


async def _load_buffer(text: str, *flags: str) -> bool:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        "tmux", "load-buffer", *flags, "-", stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
    )
    try:
        await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode == 0


class ClipboardApp(App[None], inherit_bindings=False):
    """The part of the console that copies."""

    @abstractmethod
    def say(self, text: str, *, error: bool = False) -> None:
        """Show a line of any origin as a toast."""

    def copy_to_clipboard(self, text: str) -> None:
        """Ask the terminal to take a text; also called by Textual for what is selected with the mouse."""
        if self._driver is not None and is_in_screen(os.environ):
            self._clipboard = text
            self._driver.write(through_screen(osc52(text)))
        else:
            super().copy_to_clipboard(text)

    async def copy(self, what: str, text: str) -> None:
        """Copy a text by all ways there are, and say which way `what` went."""
        self.copy_to_clipboard(text)
        if is_in_tmux(os.environ):
            way = INTO_TMUX if await give_to_tmux(text) else NOT_TMUX
        else:
            way = VIA_SCREEN if is_in_screen(os.environ) else DIRECTLY
        self.say(f"{what} {way}")
