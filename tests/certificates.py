"""Certificates to serve with: self-signed, or of a small CA, written as people have them in files."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from server.tls import TlsFiles

DAY = timedelta(days=1)


@cache
def key_number(number: int) -> EllipticCurvePrivateKey:
    """Return a private key, the same for the same number."""
    return generate_private_key(SECP256R1())


@dataclass(frozen=True)
class Pair:
    """A certificate and the key that it is for."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, passphrase: bytes | None = None) -> bytes:
        """The key."""
        lock: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)

    def write(self, folder: Path, chain: bytes = b"") -> TlsFiles:
        """Write both into a folder, each at once and whole, as a renewal does."""
        files = TlsFiles(folder / "cert.pem", folder / "key.pem")
        for path, content in ((files.cert, self.pem + chain), (files.key, self.key_pem())):
            new = path.with_suffix(".new")
            new.write_bytes(content)
            new.chmod(0o600)
            new.rename(path)
        return files


def make_pair(*hosts: str, key: int = 1, issuer: Pair | None = None, is_ca: bool = False, age: timedelta = DAY) -> Pair:
    """Return a certificate for hosts, self-signed without an `issuer`; valid for 30 days from `age` ago on."""
    own = key_number(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    begin = datetime.now(UTC) - age
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + 30 * DAY)
        .add_extension(x509.SubjectAlternativeName([_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    return Pair(builder.sign(issuer.key if issuer else own, hashes.SHA256()), own)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
