"""What a receiver must hold before it runs: the lock, a database that is ready, its two sockets.

Taken on the main thread and without aiohttp, so that what goes wrong is said in one line before a console takes
the terminal, and quickly.
"""

import contextlib
import errno
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.address import host_of, reachable_url
from server.reach import Reach, find_reach
from server.tls import Certificate, TlsFiles
from store.errors import AgentmonError, DatabaseHeldError, DatabaseRefusedError
from store.files import PRIVATE_FILE, PRIVATE_FOLDER
from store.location import beside, real_path, require_local
from store.lock import DatabaseLock, Holder, read_holder
from store.schema import prepare_database
from store.text import safe_text

SERVE = "serve"
"""How a receiver calls itself in the lock file."""

LOCK_WAIT_S = 5.0
"""How long to wait for a command that holds the lock for a moment."""

RIVAL_WAIT_S = 0.5
"""How long to wait for another receiver, which will hardly end just now."""

BACKLOG = 1024
MAX_SOCKET_PATH = 107
"""Bytes that fit `sun_path` (unix(7)) beside its closing NUL."""

TAKES_NO_SOCKET = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.ENAMETOOLONG)
"""How `bind` fails in a folder whose file system knows no sockets: those of Windows, or of other machines."""


@dataclass(frozen=True, slots=True)
class Premises:
    """All of it; `release` gives it back. `own_url` is where it listens, `url` where agents are sent to.

    `listener` is None where no report comes from outside, `certificate` where it is not spoken to over TLS. `host` and
    `public_url` are what was asked for.
    """

    database: Path
    lock: DatabaseLock
    listener: socket.socket | None
    admin: socket.socket
    admin_path: Path
    own_url: str
    url: str
    certificate: Certificate | None = None
    host: str | None = None
    public_url: str | None = None

    def find_reach(self) -> Reach:
        """Return where agents are sent as things are now: a machine's addresses change while a receiver runs."""
        if self.listener is None:
            return Reach(self.url)
        port = self.listener.getsockname()[1]
        return find_reach(self.host, port, self.public_url, tls=self.certificate is not None)

    @property
    def pin(self) -> str | None:
        """The public key that agents are to know it by, None where they need none."""
        if self.certificate is None or not self.url.startswith("https:"):
            return None
        return self.certificate.identity.pin

    def release(self) -> None:
        """Remove the admin socket and let others have the database."""
        with contextlib.suppress(OSError):
            self.admin_path.unlink()
        if self.listener is not None:
            self.listener.close()
        self.admin.close()
        self.lock.release()


def take_premises(
    database: Path,
    host: str | None,
    port: int,
    public_url: str | None = None,
    tls: TlsFiles | None = None,
    *,
    allow_network: bool = False,
) -> Premises:
    """Take the lock, make the database ready and bind both sockets (`host` None: all interfaces).

    With `tls`, reports come over it; `allow_network` takes a database on a network file system. Raises an
    `AgentmonError` that says in one line what is in the way; then nothing is held.
    """
    certificate = Certificate(tls, host_of(public_url or reachable_url(host, port))) if tls else None
    database = real_path(database)
    if not allow_network:
        require_local(database)
    with contextlib.ExitStack() as undo:
        lock = undo.enter_context(DatabaseLock.acquire(database, SERVE, _lock_wait_s(database)))
        _prepare(database, lock)
        listener = undo.enter_context(bind_listener(host, port))
        admin_path, admin = _open_office(database, lock, undo)
        undo.pop_all()
    own_url = reachable_url(host, listener.getsockname()[1], tls=tls is not None)
    return Premises(
        database, lock, listener, admin, admin_path, own_url, public_url or own_url, certificate, host, public_url
    )


def take_closed_premises(database: Path, url: str) -> Premises:
    """Take the same but for what agents report to: changes can be asked for, nothing comes from the network."""
    with contextlib.ExitStack() as undo:
        lock = undo.enter_context(DatabaseLock.acquire(database, SERVE))
        _prepare(database, lock)
        admin_path, admin = _open_office(database, lock, undo)
        undo.pop_all()
    return Premises(database, lock, None, admin, admin_path, url, url)


def _prepare(database: Path, lock: DatabaseLock) -> None:
    """Make the database ready; what the receiver before noted of it has then served."""
    _require_nobody(beside(database, ".sock"), database)
    prepare_database(database)
    lock.note(None)


def _require_nobody(path: Path, database: Path) -> None:
    """Raise `DatabaseHeldError` if a receiver answers there: it runs, though somebody deleted its lock file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except OSError:
            return
    raise DatabaseHeldError(f"{safe_text(str(database))} is in use by a receiver whose lock file was deleted: stop it")


def _open_office(database: Path, lock: DatabaseLock, undo: contextlib.ExitStack) -> tuple[Path, socket.socket]:
    """Bind the admin socket and say in the lock file where it is."""
    path, admin = open_admin(database)
    undo.enter_context(admin)
    lock.announce(Holder(os.getpid(), SERVE, str(path)))
    return path, admin


def _lock_wait_s(database: Path) -> float:
    holder = read_holder(database)
    return RIVAL_WAIT_S if holder is not None and holder.command == SERVE else LOCK_WAIT_S


def bind_listener(host: str | None, port: int) -> socket.socket:
    """Return a bound TCP socket: of one address, or of all interfaces with IPv4 and IPv6 on one port."""
    try:
        if host is not None:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((host, port), family=family, backlog=BACKLOG)
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        return socket.create_server(("", port), backlog=BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        reason = reason.partition(" (while ")[0]  # Python adds what it tried
        raise AgentmonError(f"cannot listen on {safe_text(host or '*')} port {port}: {reason}") from error


def open_admin(database: Path) -> tuple[Path, socket.socket]:
    """Bind the admin socket beside the database, or in a private folder if none can be there; returns where."""
    path = admin_socket_path(database)
    try:
        return path, bind_admin(path)
    except DatabaseRefusedError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in TAKES_NO_SOCKET:
            raise
    path = _private_socket_path(database)
    return path, bind_admin(path)


def admin_socket_path(database: Path) -> Path:
    """Return where the admin socket goes: beside the database, or in a private folder if that path is too long."""
    path = beside(database, ".sock")
    return path if len(os.fsencode(path)) <= MAX_SOCKET_PATH else _private_socket_path(database)


def _private_socket_path(database: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(real_path(database))).hexdigest()[:16]
    return _private_runtime_folder(f"{digest}.sock") / f"{digest}.sock"


def bind_admin(path: Path) -> socket.socket:
    """Return a bound Unix socket with mode 0600; the caller holds the lock, so one that lies there is stale."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~PRIVATE_FILE)
    try:
        path.unlink(missing_ok=True)
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise DatabaseRefusedError(f"cannot create {safe_text(str(path))}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    return sock


def _private_runtime_folder(name: str) -> Path:
    """Return a folder of this user's alone in which a socket of that name can be."""
    for base in _runtime_bases():
        folder = base / f"agentmon-{os.getuid()}"
        if base.is_dir() and os.access(base, os.W_OK) and len(os.fsencode(folder / name)) <= MAX_SOCKET_PATH:
            break
    else:
        raise DatabaseRefusedError("found no folder for the admin socket: set XDG_RUNTIME_DIR to one of your own")
    shown = safe_text(str(folder))
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise DatabaseRefusedError(f"cannot create {shown}: {error.strerror}") from error
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise DatabaseRefusedError(f"{shown} is not a private folder of this user: remove it")
    return folder


def _runtime_bases() -> Iterator[Path]:
    named = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if named.is_absolute():
        yield named
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")
