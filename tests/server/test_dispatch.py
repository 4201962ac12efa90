"""Real couriers: they deliver, are killed in time with all that they started, and show their secrets to nobody."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from server.dispatch import Dispatcher
from server.messages import make_content, make_test
from server.thread import _loop_factory
from store.channels import ChannelKind, Target
from store.errors import ChangeRefusedError
from tests.e2e.alert_sink import AlertSink, alert_sink
from tests.e2e.harness import wait_for
from tests.server.notices import alerts, down, is_alive, read, up

T = TypeVar("T")
SECRET = f"tk_{uuid.uuid4().hex}2"
"""Of this run alone: all processes of the machine are searched for it, also those of tests that run beside this one."""

TEST = make_test("bastion", "phone")
PATIENCE_S = 30.0


def at_url(url: str) -> Target:
    return Target(1, ChannelKind.APPRISE, url)


def by_command(command: str) -> Target:
    return Target(1, ChannelKind.COMMAND, command)


async def until(what: str, probe: Callable[[], T]) -> T:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := probe()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.01)
    return found


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture
def sink() -> Iterator[AlertSink]:
    with alert_sink() as opened:
        yield opened


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A service that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        yield server


def silent_url(server: socket.socket) -> str:
    return f"json://me:{SECRET}@127.0.0.1:{server.getsockname()[1]}/{SECRET}?-X-Token={SECRET}"


async def test_a_message_arrives_at_a_real_endpoint(sink: AlertSink) -> None:
    content = make_content(alerts(down()))
    assert await Dispatcher().deliver(at_url(sink.url), content) is None
    (got,) = sink.received
    assert (got["title"], got["message"], got["type"]) == (content["title"], content["body"], "failure")


async def test_an_end_arrives_as_a_success(sink: AlertSink) -> None:
    assert await Dispatcher().deliver(at_url(sink.url), make_content(alerts(up()))) is None
    assert sink.received[0]["type"] == "success"


async def test_a_service_that_fails_is_said_so(sink: AlertSink) -> None:
    sink.answer = 500
    assert await Dispatcher().deliver(at_url(sink.url), TEST) == "HTTP 500"
    assert (sink.received, sink.refused) == ([], 1)


async def test_a_service_that_is_not_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert await Dispatcher().deliver(at_url(f"json://127.0.0.1:{port}/{SECRET}"), TEST) == "connection refused"


async def test_a_service_that_hangs_is_given_up_in_time(silent: socket.socket) -> None:
    began = time.monotonic()
    assert await Dispatcher(limit_s=2.0).deliver(at_url(silent_url(silent)), TEST) == "not done after 2 s"
    assert time.monotonic() - began < 10


@linux
async def test_no_secret_is_seen_by_others_while_a_courier_is_under_way(
    silent: socket.socket, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    task = asyncio.create_task(Dispatcher().deliver(at_url(silent_url(silent)), TEST))
    connection, _ = await asyncio.to_thread(silent.accept)
    seen = all_that_processes_show()
    assert any(b"server.courier" in each for each in seen)
    assert not any(SECRET.encode() in each for each in seen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while connection.recv(65_536):  # what it sent; then nothing, since it was killed
        pass
    connection.close()
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def all_that_processes_show() -> list[bytes]:
    """Return the arguments and environments of all processes."""
    return [peek(path, name) for path in Path("/proc").glob("[0-9]*") for name in ("cmdline", "environ")]


def peek(process: Path, name: str) -> bytes:
    """Return what /proc tells of a process, as far as it still runs and may be looked at."""
    try:
        return (process / name).read_bytes()
    except OSError:
        return b""


@linux
@pytest.mark.parametrize("how", ["cancelled", "too late"])
async def test_a_command_that_ignores_signals_is_killed_with_all_that_it_started(tmp_path: Path, how: str) -> None:
    pids = tmp_path / "pids"
    command = f"trap '' TERM INT HUP; sleep 1000 & echo $$ $! > {pids}.part; mv {pids}.part {pids}; sleep 1000"
    task = asyncio.create_task(
        Dispatcher(limit_s=2.0 if how == "too late" else 60.0).deliver(by_command(command), TEST)
    )
    shell, child = map(int, (await until("the command", lambda: read(pids))).split())
    assert is_alive(shell) and is_alive(child)
    if how == "too late":
        assert await task == "not done after 2 s"
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await until("the command's end", lambda: not is_alive(shell) and not is_alive(child))


@linux
async def test_nothing_is_left_of_a_courier_that_was_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"echo $$ > {pid}; kill -9 $PPID; sleep 1000"
    assert await Dispatcher().deliver(by_command(command), TEST) == "the process that delivers has failed"
    await until("the command's end", lambda: not is_alive(int(read(pid))))


DELIVER = """
import asyncio, sys
from server.dispatch import Dispatcher
from store.channels import ChannelKind, Target

asyncio.run(Dispatcher().deliver(Target(1, ChannelKind.COMMAND, sys.argv[1]), {}))
"""


@linux
def test_a_courier_whose_receiver_is_killed_ends_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    receiver = subprocess.Popen([sys.executable, "-c", DELIVER, f"echo $$ > {pid}; trap '' TERM; sleep 1000"])
    command = int(wait_for("the command", lambda: read(pid).strip()))
    receiver.kill()
    receiver.wait()
    wait_for("the command's end", lambda: not is_alive(command), patience_s=20)  # not its own limit of 40 s


async def test_a_receiver_that_stood_still_knows_what_was_delivered_meanwhile(tmp_path: Path) -> None:
    begun, done = tmp_path / "begun", tmp_path / "done"
    command = f"touch {begun}; sleep 0.5; touch {done}"
    task = asyncio.create_task(Dispatcher(limit_s=2.0).deliver(by_command(command), TEST))
    await until("the command", begun.exists)
    time.sleep(3.0)  # noqa: ASYNC251 - so does a process that is stopped
    assert done.exists()
    assert await task is None


async def test_hanging_couriers_delay_nobody_else(silent: socket.socket, sink: AlertSink) -> None:
    dispatcher = Dispatcher(limit_s=60.0)
    stuck = [asyncio.create_task(dispatcher.deliver(by_command("sleep 1000"), TEST)) for _ in range(5)]
    assert await asyncio.wait_for(dispatcher.deliver(at_url(sink.url), TEST), PATIENCE_S) is None
    assert not any(task.done() for task in stuck)
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)


async def test_only_so_many_run_at_once(tmp_path: Path) -> None:
    dispatcher = Dispatcher(at_once=2)
    command = (
        f"mkdir {tmp_path}/$$; ls {tmp_path} | wc -l | tr -d ' ' >> {tmp_path}.counts; sleep 0.1; rmdir {tmp_path}/$$"
    )
    answers = await asyncio.gather(*(dispatcher.deliver(by_command(command), TEST) for _ in range(6)))
    assert answers == [None] * 6
    counts = [int(line) for line in read(tmp_path.with_name(f"{tmp_path.name}.counts")).split()]
    assert len(counts) == 6
    assert max(counts) <= 2


async def test_a_folder_that_is_called_like_ours_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert await Dispatcher().deliver(by_command("true"), TEST) is None


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "print('not JSON')", "print('x' * 1_000_000)", ""])
async def test_a_courier_that_breaks_is_said_so(code: str) -> None:
    dispatcher = Dispatcher(command=(sys.executable, "-c", code))
    assert await dispatcher.deliver(by_command("true"), TEST) == "the process that delivers has failed"


async def test_a_courier_that_cannot_start_is_said_so(tmp_path: Path) -> None:
    dispatcher = Dispatcher(command=(str(tmp_path / "nothing"),))
    assert (
        await dispatcher.deliver(by_command("true"), TEST) == "no process could be started: No such file or directory"
    )


async def test_checking_a_url() -> None:
    assert await Dispatcher().check(f"ntfys://{SECRET}@ntfy.example.org/topic") == (
        "ntfy",
        "ntfys://t...2@ntfy.example.org/****",
    )
    with pytest.raises(ChangeRefusedError, match="Apprise knows no service nosuch://"):
        await Dispatcher().check("nosuch://x")


def test_it_works_where_the_receiver_runs_and_commands_can_be_ended(tmp_path: Path) -> None:
    answers: list[str | None] = []

    async def deliver() -> None:
        for command in (f"cat > {tmp_path}/got", "kill -TERM $$; sleep 1000"):
            answers.append(await Dispatcher(limit_s=PATIENCE_S).deliver(by_command(command), TEST))

    thread = threading.Thread(target=run_as_the_receiver, args=(deliver,))
    thread.start()
    thread.join(2 * PATIENCE_S)
    assert answers == [None, "killed by SIGTERM"]
    assert json.loads((tmp_path / "got").read_text()) == TEST


def run_as_the_receiver(work: Callable[[], Awaitable[None]]) -> None:
    """Run on the loop and with the blocked signals of the receiver's thread."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))

    async def main() -> None:
        await work()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())


@linux
async def test_nothing_is_left_open() -> None:
    dispatcher = Dispatcher(limit_s=PATIENCE_S)
    await dispatcher.deliver(by_command("true"), TEST)
    before = open_files()
    for command in ("true", "exit 1", "kill -9 $$"):
        await dispatcher.deliver(by_command(command), TEST)
    await until("pipes to be closed", lambda: open_files() <= before)


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
