"""One agent that means well while others abuse the receiver, and what the receiver spends on it all."""

import http.client
import resource
import select
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.certificates import make_pair
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, send

ANSWERED_WITHIN_S = 1.0
HICCUPS = 0.05
"""The share of answers that a busy machine may hold up longer: those prove nothing of the receiver."""

MAX_LOG = 100_000
"""Bytes of log that all of an abuse may cost: what a minute may."""

MEGABYTE = 1_000_000
EVERY_S = 0.03
ENOUGH_FILES = 12_000


@dataclass
class Witness:
    """Reports over and over, each time on a connection of its own as `agent.sh` does, and remembers the answers."""

    port: int
    key: str
    tls: ssl.SSLContext | None = None
    taken_s: list[float] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Report until `done`, and once more."""
        last = False
        while not last:
            last = self.done.wait(EVERY_S)
            began = time.monotonic()
            if wrong := self.report():
                self.odd.append(wrong)
            self.taken_s.append(time.monotonic() - began)

    def report(self) -> str:
        """Report once and return what was wrong with the answer, empty if nothing was."""
        if self.tls is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE_S, context=self.tls)
        try:
            status, _ = send(connection, make_report(self.key))
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()
        return "" if status == 200 else f"answered {status}"

    @property
    def usual_worst_s(self) -> float:
        """What all answers but the hiccups did not exceed."""
        return sorted(self.taken_s)[int((len(self.taken_s) - 1) * (1 - HICCUPS))]


class Spent:
    """What a receiver spends from now on."""

    def __init__(self, served: Served) -> None:
        self._log = served.log
        self._process = psutil.Process(served.process.pid)
        self._folder = Path(f"/proc/{served.process.pid}")
        (self._folder / "clear_refs").write_text("5", encoding="ascii")  # the peak is counted from here
        self._memory_before = self._process.memory_info().rss
        self._log_before = self._log.stat().st_size

    @property
    def memory(self) -> int:
        """How far memory rose, at its peak, above what it was (bytes)."""
        lines = (self._folder / "status").read_text(encoding="ascii").splitlines()
        peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
        return peak - self._memory_before

    @property
    def log(self) -> int:
        """Bytes of log lines."""
        return self._log.stat().st_size - self._log_before

    def cpu(self, seconds: float) -> float:
        """Return the share of a processor that it uses during so many seconds."""
        self._process.cpu_percent()
        time.sleep(seconds)
        return self._process.cpu_percent() / 100


@dataclass
class Siege:
    """A receiver under abuse, over TLS if it is to be trusted by a context."""

    served: Served
    key: str
    tls: ssl.SSLContext | None = None

    def connect(self, number: int = 0, per_address: int = 100) -> socket.socket:
        """Open the `number`th connection: every `per_address` of them come from another address than the witness."""
        source = (f"127.0.1.{number // per_address + 1}", 0)
        return socket.create_connection(("127.0.0.1", self.served.port), PATIENCE_S, source_address=source)

    def secure(self, number: int = 0) -> socket.socket:
        """Open a connection and shake hands."""
        assert self.tls is not None
        return self.tls.wrap_socket(self.connect(number), server_hostname="127.0.0.1")

    @contextmanager
    def watched(self, memory: int) -> Iterator[Spent]:
        """Have a witness report during a block; then all must be well, and memory have risen by less than `memory`."""
        witness, spent = Witness(self.served.port, self.key, self.tls), Spent(self.served)
        thread = threading.Thread(target=witness.run)
        thread.start()
        try:
            yield spent
        finally:
            witness.done.set()
            thread.join()
        worst, used = witness.usual_worst_s, spent.memory
        print(f"{len(witness.taken_s)} answers, 95 % within {worst:.3f} s, all {max(witness.taken_s):.3f} s")
        print(f"memory +{used / MEGABYTE:.1f} MB, log {spent.log} bytes")
        assert not witness.odd, witness.odd[:3]
        assert worst < ANSWERED_WITHIN_S, worst
        assert used < memory, used
        assert spent.log < MAX_LOG, spent.log
        assert "Traceback" not in self.served.said()


@contextmanager
def besieged(*, tls: bool = False, wrapper: tuple[str, ...] = ()) -> Iterator[Siege]:
    """Serve in a folder of its own, behind the words of a `wrapper`, and let this process open enough files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with tempfile.TemporaryDirectory(prefix="amt-") as folder, ExitStack() as stack:
        station = Station.at(Path(folder))
        options: tuple[str, ...] = ()
        trust = None
        if tls:
            files = make_pair("127.0.0.1").write(station.folder)
            options = ("--tls-cert", str(files.cert), "--tls-key", str(files.key))
            trust = ssl.create_default_context(cafile=files.cert)
        served = stack.enter_context(station.serving("--max-report-rate", "0", *options, wrapper=wrapper))
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(ENOUGH_FILES, hard)), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        (key,) = station.create("witness")
        yield Siege(served, key, trust)


@contextmanager
def held(sockets: list[socket.socket]) -> Iterator[list[socket.socket]]:
    """Close sockets at the end of a block."""
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


def ended(sock: socket.socket, patience_s: float = PATIENCE_S) -> bytes:
    """Return all that the other side still sends until it closes; fails if it does not."""
    sock.settimeout(patience_s)
    received = b""
    try:
        while data := sock.recv(65_536):
            received += data
    except ConnectionError:
        pass
    return received


def push(sock: socket.socket, data: bytes) -> bool:
    """Send what goes now and read what is there; return whether the connection still lives."""
    sock.setblocking(False)
    try:
        sock.send(data)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    except OSError:
        return False
    try:
        return sock.recv(1 << 20) != b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False


def push_all(sockets: list[socket.socket], data: bytes, seconds: float, pause_s: float = 0.01) -> list[socket.socket]:
    """Send on all connections as fast as they take it, for so long or until all are cut; return those that live."""
    end = time.monotonic() + seconds
    living = list(sockets)
    while living and time.monotonic() < end:
        living = [sock for sock in living if push(sock, data)]
        select.select([], [], [], pause_s)
    return living
