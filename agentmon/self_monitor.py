"""`--self`: this machine among the monitored ones, its agent on a thread of the receiver's process.

It reports through HTTP like any other agent.
"""

import logging
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import AgentSettings
from agent.run import run_agent
from agentmon.admin import credentials, perform
from agentmon.exits import signals_for_this_thread
from store.errors import AgentmonError

if TYPE_CHECKING:
    from server.thread import ReceiverThread
    from server.tls import Certificate

log = logging.getLogger("agentmon.self")

SELF_INTERVAL_S = 10.0
"""It reports more often than agents do: someone is looking, and the way is short."""


def monitor_self(
    listener: socket.socket, certificate: "Certificate | None", receiver: "ReceiverThread", path: Path
) -> None:
    """Create a monitor named after this machine unless there is one, and report to `listener` until the end.

    Over TLS exactly the receiver's own `certificate` is trusted: no CA vouches for a loopback address.
    """
    url = _own_url(listener, "https" if certificate else "http")
    agent = threading.Thread(target=_report_self, args=(url, certificate, receiver, path), name="self", daemon=True)
    with signals_for_this_thread():
        agent.start()


def _own_url(listener: socket.socket, scheme: str) -> str:
    address, port = listener.getsockname()[:2]
    if address in ("::", "0.0.0.0"):
        takes_ipv4 = address == "0.0.0.0" or not listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        address = "127.0.0.1" if takes_ipv4 else "::1"
    return f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"


def _report_self(url: str, certificate: "Certificate | None", receiver: "ReceiverThread", path: Path) -> None:
    receiver.ready.wait()
    name = socket.gethostname() or "this-machine"
    try:
        (made,) = perform(path, "create", names=[name], if_missing=True)
    except AgentmonError as error:
        log.error("this machine is not monitored: %s", error)
        return
    trust = (lambda: certificate.identity.client_context()) if certificate else None
    settings = AgentSettings(url, credentials(made).agent_key, use_proxies=False, trust=trust)
    run_agent(settings, SELF_INTERVAL_S, receiver.ended, lambda line: log.info("%s", line))
