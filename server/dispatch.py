"""Sending couriers: processes that deliver, with a limit to how long and how many at once (`server/courier.py`).

No threads: the courier's pipes are watched by the loop, so that any number may hang and the loop still ends at once.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from store.channels import Target
from store.errors import ChangeRefusedError

LIMIT_S = 30.0
AT_ONCE = 8
"""Couriers at the same time; each that hangs costs 44 MB for as long as it may take."""

COMMAND = (sys.executable, "-P", "-m", "server.courier")
"""With -P a folder `server` in the working directory is not taken for ours."""

MAX_ANSWER = 65_536
LEAVE_S = 1.0
"""How long a courier that has answered, or was killed, may take to be gone."""

LOOK_EVERY_S = 0.005


class Dispatcher:
    """Delivers messages, each by a courier of its own that is killed when `limit_s` is over."""

    def __init__(self, limit_s: float = LIMIT_S, at_once: int = AT_ONCE, command: Sequence[str] = COMMAND) -> None:
        """Keep the limits; `command` is there for tests."""
        self._limit_s = limit_s
        self._places = asyncio.Semaphore(at_once)
        self._command = command

    async def deliver(self, target: Target, content: Mapping[str, Any]) -> str | None:
        """Deliver a message; returns why that failed, in words without secrets, None if it arrived."""
        errand = {"kind": target.kind, "address": target.address, "content": dict(content)}
        problem: str | None = (await self._run(errand))["problem"]
        return problem

    async def check(self, url: str) -> tuple[str, str]:
        """Return the name of an Apprise URL's service, and the URL as it may be shown.

        Raises `ChangeRefusedError` if Apprise does not take it.
        """
        answer = await self._run({"check": url})
        if problem := answer.get("problem"):
            raise ChangeRefusedError(problem)
        return answer["service"], answer["shown"]

    async def _run(self, errand: Mapping[str, Any]) -> dict[str, Any]:
        async with self._places:
            try:
                process = _start(self._command)
            except OSError as error:
                return {"problem": f"no process could be started: {error.strerror}"}
            data = json.dumps({**errand, "limit_s": self._limit_s}).encode()
            exchange = asyncio.create_task(_exchange(process, data))
            said = None
            try:
                said = await _result(exchange, process, self._limit_s)
            finally:
                exchange.cancel()
                await asyncio.wait({exchange})
                await _put_down(process, leaves=bool(said))
            return {"problem": f"not done after {self._limit_s:g} s"} if said is None else _answer(said)


async def _result(exchange: asyncio.Task[bytes], process: subprocess.Popen[bytes], limit_s: float) -> bytes | None:
    """Return what a courier says, None if it takes longer than it may."""
    await asyncio.wait({exchange}, timeout=limit_s)
    if not exchange.done() and process.poll() is not None:
        # It has ended in time, and we were the ones who stood still: told it failed, it would come twice.
        await asyncio.wait({exchange}, timeout=LEAVE_S)
    return exchange.result() if exchange.done() else None


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    # Not asyncio's own: its watching of children, and uvloop's, depend on what other threads do with signals.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


async def _exchange(process: subprocess.Popen[bytes], errand: bytes) -> bytes:
    """Return all that a process says, once it has closed its output, having been told its errand."""
    loop = asyncio.get_running_loop()
    heard = asyncio.StreamReader()
    incoming, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(heard), process.stdout)
    try:
        outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
        try:
            outgoing.write(errand)
            outgoing.close()  # once all is written
            said = b""
            while len(said) < MAX_ANSWER and (data := await heard.read(MAX_ANSWER)):
                said += data
            return said
        finally:
            if outgoing.get_write_buffer_size():
                outgoing.abort()
    finally:
        incoming.close()


async def _put_down(process: subprocess.Popen[bytes], *, leaves: bool) -> None:
    """Leave nothing of a process behind; one that `leaves` by itself may take a moment, and what it left may stay."""
    if leaves and await _gone(process):
        return
    with contextlib.suppress(ProcessLookupError):  # also if it has ended itself: what it started may be there yet
        os.killpg(process.pid, signal.SIGKILL)
    await _gone(process)


async def _gone(process: subprocess.Popen[bytes]) -> bool:
    # Looking, not waiting: a process that hangs in the kernel must not take the loop along.
    for _ in range(round(LEAVE_S / LOOK_EVERY_S)):
        if process.poll() is not None:
            return True
        await asyncio.sleep(LOOK_EVERY_S)
    return False


def _answer(said: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        return {"problem": "the process that delivers has failed"}
    return answer
