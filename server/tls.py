"""The receiver's certificate: read, checked, followed through its renewals, and how agents come to trust it."""

import asyncio
import base64
import hashlib
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

from store.errors import AgentmonError
from store.text import safe_text

LOOK_EVERY_S = 3.0
"""How soon a renewed certificate is noticed."""

MAX_FLIGHTS = 20
"""No handshake takes so many turns."""

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the standard library does not name."""

log = logging.getLogger("agentmon.receiver")

Stamp = tuple[tuple[int, int, int], ...]
"""What a renewal changes of both files: inode, time of modification (ns), size."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of a certificate with its chain and of its private key, both PEM, the key without a passphrase."""

    cert: Path
    key: Path

    def load(self) -> ssl.SSLContext:
        """Return a context that serves with them; raises `AgentmonError` that says in one line what is wrong."""
        for path in (self.cert, self.key):
            _require_readable(path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION  # OpenSSL before 3 would go on at a client's wish
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.cert, self.key, password=self._refuse_passphrase)
        except (ssl.SSLError, OSError) as error:
            raise AgentmonError(self._explain(error)) from error
        return context

    def stamp(self) -> Stamp | None:
        """Return what a renewal would change, None while a file is missing."""
        try:
            found = [path.stat() for path in (self.cert, self.key)]
        except OSError:
            return None
        return tuple((each.st_ino, each.st_mtime_ns, each.st_size) for each in found)

    def _refuse_passphrase(self) -> str:
        raise AgentmonError(f"the TLS key {_shown(self.key)} has a passphrase: agentmon starts without anyone to ask")

    def _explain(self, error: OSError) -> str:
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            return f"the TLS key {_shown(self.key)} does not belong to the certificate {_shown(self.cert)}"
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(self.cert)
        except OSError:
            return f"{_shown(self.cert)} holds no certificate in PEM format"
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        if reason in (None, "NO_START_LINE", "PEM_LIB", "UNSUPPORTED"):
            return f"{_shown(self.key)} holds no private key in PEM format"
        words = str(reason).lower().replace("_", " ")
        return f"cannot serve with the certificate {_shown(self.cert)} and the key {_shown(self.key)}: {words}"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the receiver shows at one time: the context that serves it, and its own certificate (DER).

    `pin` is the hash of its public key as curl's --pinnedpubkey has it, the same after a renewal with the same key;
    None where clients on this machine trust the certificate without being told.
    """

    context: ssl.SSLContext
    certificate: bytes
    pin: str | None

    @classmethod
    def load(cls, files: TlsFiles, host: str) -> "Identity":
        """Read it from files, for clients that know it as `host`; raises `AgentmonError`."""
        context = files.load()
        anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
        certificate = greet(context, anyone, "localhost").getpeercert(binary_form=True) or b""
        return cls(context, certificate, None if is_trusted(context, host) else pin_of(certificate))

    def client_context(self) -> ssl.SSLContext:
        """Return a context that trusts exactly this certificate, by whatever name and however old it is."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=self.certificate)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
        return context


class Certificate:
    """The identity that the files hold, or, while they hold none that works, the last one that did."""

    def __init__(self, files: TlsFiles, host: str) -> None:
        """Load it, for clients that know it as `host`; raises `AgentmonError`."""
        self._files = files
        self._host = host
        self._stamp = files.stamp()
        self.identity = Identity.load(files, host)

    def refresh(self) -> None:
        """Take a renewed certificate over; what cannot be used is told once, and the old one stays."""
        stamp = self._files.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.identity = Identity.load(self._files, self._host)
        except AgentmonError as error:
            log.warning("the renewed certificate cannot be used, the old one stays: %s", error)
        else:
            log.info("took over the renewed certificate")

    async def follow(self, every_s: float = LOOK_EVERY_S) -> None:
        """Look for renewals until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self.refresh)


def pin_of(certificate: bytes) -> str:
    """Return the pin of a certificate (DER)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_der_x509_certificate(certificate).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return "sha256//" + base64.b64encode(digest).decode("ascii")


def is_trusted(context: ssl.SSLContext, host: str) -> bool:
    """Return whether a client on this machine that nobody told anything would trust what `context` serves as `host`."""
    try:
        greet(context, ssl.create_default_context(), host)
    except (ssl.SSLError, ValueError):  # the latter for a host that no certificate can name
        return False
    return True


def greet(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """Let two contexts shake hands in memory and return the client's side; raises `ssl.SSLError` if one refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=host)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(MAX_FLIGHTS):
        if _step(asking):
            return asking
        _step(answering)
    raise ssl.SSLError("the handshake does not end")


def _step(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _require_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise AgentmonError(f"cannot read {_shown(path)}: {error.strerror}") from error


def _shown(path: Path) -> str:
    return safe_text(str(path), 1_000)
