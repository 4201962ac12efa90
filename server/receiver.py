"""The receiver: takes agents' reports over HTTP, hands them to the store and answers when they are safe.

aiohttp's low-level server does the HTTP; routes are few, so no application stands between. What each answer
means is in `docs/openapi.json`.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

from aiohttp import hdrs, web

from agent.scripts import SCRIPTS, read_script
from server import receiver_answers as answers
from server.capacity import Gathering, bound_buffers, claim_files
from server.gate import Connection, Gate, GateLimits
from server.handshake import Doorkeeper
from server.limits import (
    BURST_S,
    UNKNOWN_KEY_BURST,
    UNKNOWN_KEY_RATE,
    UNPRODUCTIVE_BURST,
    UNPRODUCTIVE_RATE,
    RateLimit,
    address_group,
)
from server.proxies import Proxies
from server.receiver_answers import Answer
from server.receiver_http import HttpProtocol
from server.receiver_log import LOGGER_NAME, calm_logs
from server.rejected import RejectionLog
from server.schema import SchemaError, parse_report
from server.tls import Certificate
from store.agents import parse_user_agent
from store.errors import ReportRefusedError, StoreUnavailableError, UnknownKeyError
from store.models import AgentInfo, Report
from store.rejections import Refusal, fingerprint
from store.writer import wall_clock_ms

REPORT_PATH = "/agent/report"
HEALTH_PATH = "/healthz"
MAX_BODY = 256 * 1024

BACKLOG = 1024
"""Connections that the kernel holds for us: agents under cron all come in the same second."""

READ_BUFFER = 64 * 1024
ABORT_S = 0.2
REMEMBERED_MONITORS = 65_536
REMEMBERED_ADDRESSES = 4096

log = logging.getLogger(LOGGER_NAME)


class Ingest(Protocol):
    """What the receiver needs of the store."""

    @property
    def problem(self) -> str | None:
        """Why the store takes no writes now, None when it does."""
        ...

    def find(self, agent_key: str) -> int | None:
        """Return the id of the monitor that a key belongs to, from memory."""
        ...

    async def store(self, agent_key: str, report: Report, address: str, agent: AgentInfo | None) -> None:
        """Store a report that `agent` sent, if that is one of ours; return once it is committed and synced.

        Raises `store.errors.UnknownKeyError`, `ReportRefusedError` and `StoreUnavailableError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReceiverOptions:
    """The receiver's limits; `max_report_rate` is reports per second of one agent, 0 for no limit.

    For `linger_s` seconds an unwanted body is read and dropped, so that its sender gets to see the answer.
    From `trusted_proxies`, networks as text, X-Forwarded-For is believed; `max_per_address` then holds for the
    requests at a time of each address that they name.
    `max_unproductive_rate` is requests per second of one address that store nothing; more are held up.
    """

    max_report_rate: float = 20.0
    body_deadline_s: float = 10.0
    header_deadline_s: float = 10.0
    keepalive_s: float = 75.0
    max_connections: int = 1000
    max_per_address: int = 300
    max_lingering: int = 300
    linger_s: float = 2.0
    trusted_proxies: tuple[str, ...] = ()
    max_unproductive_rate: float = UNPRODUCTIVE_RATE

    def gate_limits(self, proxies: Proxies, room: int) -> GateLimits:
        """Return the gate's part of them where there is `room` for so many connections, lingering ones included."""
        max_lingering = min(self.max_lingering, room // 4)
        return GateLimits(
            max_connections=min(self.max_connections, room - max_lingering),
            max_per_address=self.max_per_address,
            header_deadline_s=self.header_deadline_s,
            linger_s=self.linger_s,
            max_lingering=max_lingering,
            proxies=proxies,
        )


class _RefusedError(Exception):
    """A request is refused with this answer; `log_words` tell the log more than the reason does."""

    def __init__(
        self, answer: Answer, reason: Refusal, *, fingerprint: str = "", field: str = "", log_words: str = ""
    ) -> None:
        super().__init__(log_words or reason)
        self.answer = answer
        self.reason = reason
        self.fingerprint = fingerprint
        self.field = field


class _Api:
    """Answers requests: the few routes and all that can be wrong with a report."""

    def __init__(
        self, ingest: Ingest, options: ReceiverOptions, clock: Callable[[], float], rejected: RejectionLog
    ) -> None:
        self.proxies = Proxies(options.trusted_proxies)
        self._ingest = ingest
        self._rejected = rejected
        self._body_deadline_s = options.body_deadline_s
        self._max_per_address = options.max_per_address
        self._through_proxies: Counter[str] = Counter()
        rate = options.max_report_rate
        self._known = RateLimit(rate, max(1.0, rate * BURST_S), REMEMBERED_MONITORS, clock)
        self._unknown = RateLimit(UNKNOWN_KEY_RATE, UNKNOWN_KEY_BURST, REMEMBERED_ADDRESSES, clock)
        self._unproductive = RateLimit(options.max_unproductive_rate, UNPRODUCTIVE_BURST, REMEMBERED_ADDRESSES, clock)
        self._gathering = Gathering()
        self._scripts = {f"/{name}": name for name in SCRIPTS}
        self.gate: Gate | None = None

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; the handler of aiohttp's server."""
        connection = self.gate.connection(request.protocol) if self.gate is not None else None
        if connection is None:
            return answers.BROKEN_HTTP.response(close=True)
        connection.headers_complete()
        address = self.proxies.client(connection.address, request.headers.getall(hdrs.X_FORWARDED_FOR, ()))
        try:
            with self._at_hand(connection, address):
                answer = await self._answer(request, connection, address)
        except _RefusedError as refusal:
            answer = refusal.answer
            self._tell(refusal, address)
        finally:
            connection.answered()
        if answer is not answers.OK:
            await self._hold_up(connection, address)
        unread = not request.content.is_eof()
        close = unread or connection.is_last or not request.keep_alive or request.version.minor == 0
        response = answer.response(close=close)
        if unread and (answer is answers.BODY_LATE or connection.half_closed):
            await response.prepare(request)
            request.protocol.force_close()
        return response

    @contextlib.contextmanager
    def _at_hand(self, connection: Connection, address: str) -> Iterator[None]:
        """Count a request of an address that a proxy names: the gate only sees the proxy's connections."""
        if address == connection.address:
            yield
            return
        if self._through_proxies[address] >= self._max_per_address:
            raise _RefusedError(answers.BUSY, Refusal.MANY_CONNECTIONS)
        self._through_proxies[address] += 1
        try:
            yield
        finally:
            self._through_proxies[address] -= 1
            if not self._through_proxies[address]:
                del self._through_proxies[address]

    async def _hold_up(self, connection: Connection, address: str) -> None:
        """Let others go first after a request that stored nothing, and keep each address to its rate of those.

        Without this one connection full of requests could be answered to its end while all others wait.
        """
        connection.hold_up()
        await asyncio.sleep(self._unproductive.delay_s(address_group(address)))
        connection.answered()

    async def _answer(self, request: web.BaseRequest, connection: Connection, address: str) -> Answer:
        path = request.raw_path
        if path != REPORT_PATH:
            path = request.path
        if path == REPORT_PATH:
            return await self._take_report(request, connection, address)
        if path != HEALTH_PATH and path not in self._scripts:
            return answers.NOT_FOUND
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            return answers.GET_ONLY
        return self._health() if path == HEALTH_PATH else _script(self._scripts[path])

    def _health(self) -> Answer:
        return answers.HEALTHY if self._ingest.problem is None else answers.UNAVAILABLE

    async def _take_report(self, request: web.BaseRequest, connection: Connection, address: str) -> Answer:
        """Check all that a report must be, what costs least first; raise _RefusedError where it is not."""
        self._check_headers(request)
        body = await self._read_body(request, connection)
        connection.body_complete()
        try:
            agent_key, report = parse_report(body)
        except SchemaError as error:
            raise _invalid(error) from None
        self._check_key(agent_key, address)
        agent = parse_user_agent(request.headers.get(hdrs.USER_AGENT, ""))
        try:
            await self._ingest.store(agent_key, report, address, agent)
        except ReportRefusedError as error:
            answer = answers.invalid_report(str(error), {error.field: [str(error)]})
            raise _of_key(answer, Refusal.MANY_NAMES, agent_key, field=error.field) from None
        except UnknownKeyError:
            raise _of_key(answers.UNKNOWN_KEY, Refusal.UNKNOWN_KEY, agent_key) from None
        except StoreUnavailableError:
            raise _of_key(answers.UNAVAILABLE, Refusal.STORE, agent_key) from None
        return answers.OK

    @staticmethod
    def _check_headers(request: web.BaseRequest) -> None:
        if request.method != hdrs.METH_POST:
            raise _RefusedError(answers.POST_ONLY, Refusal.METHOD)
        if hdrs.CONTENT_ENCODING in request.headers:
            raise _RefusedError(answers.ENCODED, Refusal.ENCODED)
        if request.headers.get(hdrs.TRANSFER_ENCODING, "chunked").lower() != "chunked":
            raise _RefusedError(answers.BROKEN_HTTP, Refusal.MALFORMED)
        if (request.content_length or 0) > MAX_BODY:
            raise _RefusedError(answers.TOO_LARGE, Refusal.TOO_LARGE)

    def _check_key(self, agent_key: str, address: str) -> None:
        monitor = self._ingest.find(agent_key)
        if monitor is None:
            if wait_s := self._unknown.wait_s(address_group(address)):
                answer = answers.too_many("Too many unknown agent keys from this address", wait_s)
                raise _of_key(answer, Refusal.MANY_UNKNOWN, agent_key)
            raise _of_key(answers.UNKNOWN_KEY, Refusal.UNKNOWN_KEY, agent_key)
        if wait_s := self._known.wait_s(monitor):
            answer = answers.too_many("Too many reports with this agent key", wait_s)
            raise _of_key(answer, Refusal.MANY_REPORTS, agent_key, log_words=f"too many reports of monitor {monitor}")

    async def _read_body(self, request: web.BaseRequest, connection: Connection) -> bytes:
        content = request.content
        if content.is_eof() and content.exception() is None:
            body = content.read_nowait()
            if len(body) > MAX_BODY:
                raise _RefusedError(answers.TOO_LARGE, Refusal.TOO_LARGE)
            return body
        if connection.half_closed:
            raise _RefusedError(answers.BROKEN_HTTP, Refusal.CUT_OFF)
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(self._body_deadline_s) as deadline:
                return await self._collect(request)
        except (OSError, RuntimeError, web.RequestPayloadError) as error:
            if deadline.expired():
                raise _RefusedError(answers.BODY_LATE, Refusal.BODY_LATE) from None
            if request.transport is None:
                raise _RefusedError(answers.BROKEN_HTTP, Refusal.GONE) from None
            words = f"{Refusal.BROKEN}: {type(error).__name__}"
            raise _RefusedError(answers.BROKEN_HTTP, Refusal.BROKEN, log_words=words) from None

    async def _collect(self, request: web.BaseRequest) -> bytes:
        body = bytearray()
        try:
            while chunk := await request.content.readany():
                body += chunk
                may_grow = self._gathering.may_grow(len(body), len(chunk))
                if len(body) > MAX_BODY:
                    raise _RefusedError(answers.TOO_LARGE, Refusal.TOO_LARGE)
                if not may_grow:
                    raise _RefusedError(answers.BUSY, Refusal.MANY_CONNECTIONS, log_words="too many large bodies")
            return bytes(body)
        finally:
            self._gathering.end(len(body))

    def _tell(self, refusal: _RefusedError, address: str) -> None:
        status = refusal.answer.status
        self._rejected.note(address, refusal.fingerprint, status, refusal.reason, refusal.field)
        level = logging.WARNING if status in (404, 422, 429, 503) else logging.INFO
        log.log(
            level,
            'report refused status=%d address=%s reason="%s"',
            status,
            address,
            refusal,
            extra={"kind": f"refused {status}"},
        )


@cache
def _script(name: str) -> Answer:
    return Answer(200, read_script(name), content_type=answers.PLAIN_TEXT)


def _of_key(answer: Answer, reason: Refusal, agent_key: str, *, field: str = "", log_words: str = "") -> _RefusedError:
    """Return the refusal of a report whose key could be read."""
    return _RefusedError(answer, reason, fingerprint=fingerprint(agent_key), field=field, log_words=log_words)


def _invalid(error: SchemaError) -> _RefusedError:
    """Return the refusal of a body that is no valid report."""
    field = next(iter(error.errors), "")
    reason = Refusal.NO_REPORT if not field else Refusal.INVALID_REPORT if error.fingerprint else Refusal.INVALID_KEY
    answer = answers.invalid_report(str(error), error.errors)
    return _RefusedError(answer, reason, fingerprint=error.fingerprint, field=field, log_words=str(error))


class Receiver:
    """A running receiver; `start_receiver` makes one."""

    def __init__(self, doorkeeper: Doorkeeper, gate: Gate, http: web.Server) -> None:
        self._doorkeeper = doorkeeper
        self._gate = gate
        self._http = http

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._gate)

    async def stop(self, grace_s: float) -> None:
        """Stop accepting, finish what is in flight within `grace_s` seconds, close everything."""
        await self._doorkeeper.close()
        await self._gate.drain(grace_s)
        await self._http.shutdown(ABORT_S)
        self._gate.cut_all()


async def start_receiver(
    ingest: Ingest,
    sock: socket.socket,
    options: ReceiverOptions | None = None,
    clock: Callable[[], float] = time.monotonic,
    rejected: RejectionLog | None = None,
    certificate: Certificate | None = None,
) -> Receiver:
    """Serve the report API on a bound socket, over TLS with a `certificate`, and return once it listens.

    The receiver closes the socket when it stops. `clock` times the rate limits; deadlines run on the loop's clock.
    What is refused is counted in `rejected`.
    """
    options = options or ReceiverOptions()
    calm_logs()
    room = claim_files(options.max_connections + options.max_lingering, tls=certificate is not None)
    bound_buffers(sock)
    loop = asyncio.get_running_loop()
    refusals = rejected or RejectionLog(wall_clock_ms)
    api = _Api(ingest, options, clock, refusals)
    http = web.Server(api.serve)
    make_http = partial(_speak_http, http, options, refusals)
    api.gate = Gate(make_http, options.gate_limits(api.proxies, room), loop, refusals)
    sock.listen(BACKLOG)
    doorkeeper = Doorkeeper(sock, api.gate, certificate, options.header_deadline_s, refusals)
    return Receiver(doorkeeper, api.gate, http)


def _speak_http(http: web.Server, options: ReceiverOptions, rejected: RejectionLog) -> asyncio.Protocol:
    """Return what speaks HTTP on one connection."""
    protocol = HttpProtocol(
        http,
        loop=asyncio.get_running_loop(),
        keepalive_timeout=options.keepalive_s,
        lingering_time=options.linger_s,
        read_bufsize=READ_BUFFER,
        auto_decompress=False,
        access_log=None,  # type: ignore[arg-type]  # it takes None for "no access log"
    )
    protocol.rejected = rejected
    return protocol
