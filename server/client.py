"""The client of the admin API: one blocking call per operation, with the standard library alone.

Not aiohttp: the command line would pay its import for a single small request, and the console calls from a
worker thread anyway.
"""

import http.client
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from store.errors import AgentmonError, ChangeRefusedError, ReceiverUnreachableError, StoreUnavailableError
from store.location import beside
from store.lock import read_holder

TIMEOUT_S = 10.0
SLOW = {"add_channel": 45.0, "test_channel": 45.0}
"""Seconds for what waits for other services (`server.dispatch.LIMIT_S`, and what waits before it)."""

ERRORS: dict[int, type[AgentmonError]] = {409: ChangeRefusedError, 503: StoreUnavailableError}


class _UnixConnection(http.client.HTTPConnection):
    """A connection to the first of these sockets that is there; raises FileNotFoundError if none is."""

    def __init__(self, paths: Sequence[str], timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._paths = paths

    def connect(self) -> None:
        found = next((path for path in self._paths if Path(path).exists()), None)
        if found is None:  # not tried: the path may be longer than a socket's
            raise FileNotFoundError
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(found)


def call(database: Path, operation: str, timeout_s: float | None = None, **arguments: Any) -> Any:
    """Ask the receiver of a database to run an operation of `server.control` and return its result.

    `timeout_s` None is as long as the operation may take.

    Raises `ReceiverUnreachableError` if none answers, `ChangeRefusedError` and `StoreUnavailableError` as the
    operation does.
    """
    holder = read_holder(database)
    # A receiver may know the folder by another name, that of its container, and its lock file may have been deleted.
    paths = [str(beside(database, ".sock"))]
    if holder is not None and holder.socket is not None:
        paths.insert(0, holder.socket)
    connection = _UnixConnection(paths, timeout_s or SLOW.get(operation, TIMEOUT_S))
    try:
        connection.request("POST", f"/{operation}", json.dumps(arguments), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except TimeoutError as error:
        process = f" (process {holder.pid})" if holder else ""
        raise ReceiverUnreachableError(f"the receiver{process} does not answer") from error
    except (FileNotFoundError, ConnectionError) as error:
        raise ReceiverUnreachableError("no receiver is running on this database") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ReceiverUnreachableError(f"the receiver cannot be asked: {reason}") from error
    finally:
        connection.close()
    if response.status == http.client.OK:
        return answer["result"]
    raise ERRORS.get(response.status, AgentmonError)(answer["message"])
