"""The admin API: `POST /OPERATION` with a JSON object of arguments, on a Unix socket that only its user opens."""

import logging
import socket
from typing import Any

from aiohttp import web

from server.control import Control
from store.errors import ChangeRefusedError, StoreUnavailableError

MAX_REQUEST = 32 * 2**20
"""Bytes: only our own user gets this far, and the names of a large fleet in one request exceed aiohttp's 1 MiB."""

LAST_CALLS_S = 1.0
"""How long a call that is being made may take when the receiver stops; aiohttp would wait for a minute."""

log = logging.getLogger("agentmon.admin")


async def start_admin(control: Control, sock: socket.socket) -> web.AppRunner:
    """Serve a control on a bound Unix socket; `cleanup` of what is returned ends it."""
    app = web.Application(client_max_size=MAX_REQUEST)
    app.router.add_post("/{operation}", _Handler(control).answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=LAST_CALLS_S)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    return runner


class _Handler:
    def __init__(self, control: Control) -> None:
        self._operations = control.operations

    async def answer(self, request: web.Request) -> web.Response:
        """Run one operation and put its result, or its error in one line, into JSON."""
        name = request.match_info["operation"]
        operation = self._operations.get(name)
        if operation is None:
            return _error(404, f"this receiver does not know how to {name}: is it an older agentmon?")
        try:
            result: Any = await operation(**await request.json())
        except ChangeRefusedError as error:
            return _error(409, str(error))
        except StoreUnavailableError as error:
            return _error(503, str(error))
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            log.warning("malformed request for %s: %s", name, type(error).__name__)
            return _error(400, f"malformed request to {name}")
        return web.json_response({"result": result})


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
