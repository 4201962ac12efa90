"""What a receiver takes before it runs, and that it lets all of it go again."""

import errno
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.client import call
from server.premises import (
    MAX_SOCKET_PATH,
    admin_socket_path,
    bind_admin,
    bind_listener,
    open_admin,
    take_premises,
)
from store.errors import AgentmonError, DatabaseHeldError, DatabaseRefusedError, ReceiverUnreachableError
from store.lock import DatabaseLock, lock_path, read_holder
from store.mounts import Mount
from tests.store.damage import hide_mounts


def test_taking_and_releasing(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    premises = take_premises(database, "127.0.0.1", 0)
    assert premises.listener is not None
    port = premises.listener.getsockname()[1]
    assert premises.url == f"http://127.0.0.1:{port}"
    holder = read_holder(database)
    assert holder is not None
    assert holder.socket == str(tmp_path / "a.db.sock")
    with pytest.raises(DatabaseHeldError):
        DatabaseLock.acquire(database, "create")
    premises.release()
    assert not (tmp_path / "a.db.sock").exists()
    DatabaseLock.acquire(database, "create").release()


def test_agents_are_sent_to_the_public_url_but_the_listener_keeps_its_own(tmp_path: Path) -> None:
    premises = take_premises(tmp_path / "a.db", "127.0.0.1", 0, "https://mon.example.org")
    assert premises.listener is not None
    port = premises.listener.getsockname()[1]
    premises.release()
    assert (premises.url, premises.own_url) == ("https://mon.example.org", f"http://127.0.0.1:{port}")


def test_a_port_in_use_is_said_and_nothing_stays_held(tmp_path: Path) -> None:
    says = pytest.raises(AgentmonError, match=r"cannot listen on 127\.0\.0\.1 port \d+: Address already in use$")
    with socket.create_server(("127.0.0.1", 0)) as taken, says:
        take_premises(tmp_path / "a.db", "127.0.0.1", taken.getsockname()[1])
    DatabaseLock.acquire(tmp_path / "a.db", "create").release()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "256.1.1.1", "a b", "x" * 300])
def test_an_address_that_is_none_is_said(host: str) -> None:
    with pytest.raises(AgentmonError, match="cannot listen on"):
        bind_listener(host, 0)


def test_all_interfaces_are_ipv4_and_ipv6_on_one_port() -> None:
    with bind_listener(None, 0) as listener:
        port = listener.getsockname()[1]
        for address in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
            socket.create_connection((address, port), timeout=5).close()


def test_a_stale_admin_socket_is_replaced_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    bind_admin(path).close()
    with bind_admin(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_path_too_long_for_a_socket_moves_to_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    long = tmp_path / ("d" * MAX_SOCKET_PATH) / "a.db"
    path = admin_socket_path(long)
    assert path.parent.parent == tmp_path
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path != admin_socket_path(long.with_name("b.db"))
    bind_admin(path).close()


def test_a_runtime_folder_that_others_may_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = admin_socket_path(tmp_path / ("d" * MAX_SOCKET_PATH) / "a.db").parent
    folder.chmod(0o755)
    with pytest.raises(AgentmonError, match="not a private folder"):
        admin_socket_path(tmp_path / ("d" * MAX_SOCKET_PATH) / "a.db")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder in whose path a socket has room."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_folder_that_takes_no_socket_moves_it_to_a_private_one(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))

    class Picky(socket.socket):
        def bind(self, address: object) -> None:
            if address == str(tmp_path / "a.db.sock"):
                raise OSError(number, os.strerror(number))
            super().bind(address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "socket", Picky)
    path, admin = open_admin(tmp_path / "a.db")
    admin.close()
    assert path.parent.parent == short
    assert (stat.S_IMODE(path.parent.stat().st_mode), stat.S_IMODE(path.stat().st_mode)) == (0o700, 0o600)


def test_a_folder_where_nothing_can_be_made_is_no_reason_to_move_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseRefusedError("no") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("server.premises.bind_admin", refuse)
    with pytest.raises(DatabaseRefusedError):
        open_admin(tmp_path / "a.db")


@pytest.mark.parametrize("runtime", ["", "relative", "/nonexistent", "/dev/null", "/" + "d" * MAX_SOCKET_PATH])
def test_a_runtime_folder_that_is_none_is_passed_over(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    monkeypatch.setattr("tempfile.tempdir", str(short))
    path = admin_socket_path(tmp_path / ("d" * MAX_SOCKET_PATH) / "a.db")
    assert path.parent == short / f"agentmon-{os.getuid()}"


def test_a_receiver_whose_lock_file_was_deleted_is_noticed_and_still_asked(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    premises = take_premises(database, "127.0.0.1", 0)
    premises.admin.listen()
    lock_path(database).unlink()
    with pytest.raises(DatabaseHeldError, match="a receiver whose lock file was deleted"):
        take_premises(database, "127.0.0.1", 0)
    lock_path(database).unlink()
    with pytest.raises(ReceiverUnreachableError, match="does not answer"):
        call(database, "receiver", timeout_s=0.05)
    premises.release()


def test_a_network_file_system_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_mounts(monkeypatch, Mount("0:9", Path("/"), tmp_path, "cifs"))
    with pytest.raises(DatabaseRefusedError, match=r"network file system \(cifs\)"):
        take_premises(tmp_path / "new" / "a.db", "127.0.0.1", 0)
    assert list(tmp_path.iterdir()) == []
    take_premises(tmp_path / "new" / "a.db", "127.0.0.1", 0, allow_network=True).release()
