"""The receiver's certificate: what cannot be served with is said in a line, renewals are taken over, pins are right."""

import logging
import ssl
import subprocess
from pathlib import Path

import pytest

from server.tls import Certificate, Identity, TlsFiles, greet, is_trusted
from store.errors import AgentmonError
from tests.agent.shells import need
from tests.certificates import DAY, make_pair


def load(files: TlsFiles) -> Identity:
    return Identity.load(files, "localhost")


def test_the_pin_is_the_one_that_openssl_computes(tmp_path: Path) -> None:
    files = make_pair("localhost").write(tmp_path)
    openssl = need("openssl")
    steps = f"{openssl} x509 -in {files.cert} -pubkey -noout | {openssl} pkey -pubin -outform DER |"
    steps += f"{openssl} dgst -sha256 -binary | {openssl} base64"
    done = subprocess.run(["sh", "-c", steps], capture_output=True, text=True, check=True)
    assert load(files).pin == f"sha256//{done.stdout.strip()}"


def test_a_renewal_with_the_same_key_keeps_the_pin_and_one_with_another_does_not(tmp_path: Path) -> None:
    pins = [load(make_pair("localhost", key=key).write(tmp_path)).pin for key in (1, 1, 2)]
    assert pins[0] == pins[1] != pins[2]


def test_what_a_ca_of_this_machine_vouches_for_needs_no_pin_but_for_its_own_name_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = make_pair("ca.example", key=9, is_ca=True)
    files = make_pair("monitor.example", "192.0.2.1", issuer=ca).write(tmp_path)
    assert Identity.load(files, "monitor.example").pin is not None
    (tmp_path / "ca.pem").write_bytes(ca.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert Identity.load(files, "monitor.example").pin is None
    assert Identity.load(files, "192.0.2.1").pin is None
    for other in ("other.example", "192.0.2.2", "a..b", ""):
        assert Identity.load(files, other).pin is not None


@pytest.mark.parametrize(
    ("cert", "key", "says"),
    [
        (None, "key", "cannot read .*cert.pem: No such file"),
        ("cert", None, "cannot read .*key.pem: No such file"),
        ("folder", "key", "cannot read .*cert.pem: Is a directory"),
        ("cert", "other key", "key.pem does not belong to the certificate .*cert.pem"),
        ("rubbish", "key", "cert.pem holds no certificate in PEM format"),
        ("key", "key", "cert.pem holds no certificate in PEM format"),
        ("cert", "rubbish", "key.pem holds no private key in PEM format"),
        ("cert", "cert", "key.pem holds no private key in PEM format"),
        ("cert", "locked key", "key.pem has a passphrase"),
        ("half", "key", "cert.pem holds no certificate in PEM format"),
        ("cert", "empty", "key.pem holds no private key in PEM format"),
    ],
)
def test_what_cannot_be_served_with_is_said_in_one_line(
    tmp_path: Path, cert: str | None, key: str | None, says: str
) -> None:
    pair = make_pair("localhost")
    content = {
        "cert": pair.pem,
        "key": pair.key_pem(),
        "other key": make_pair("localhost", key=2).key_pem(),
        "locked key": pair.key_pem(b"secret"),
        "rubbish": b"\x00\xff rubbish",
        "half": pair.pem[: len(pair.pem) // 2],
        "empty": b"",
    }
    files = TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    for path, what in ((files.cert, cert), (files.key, key)):
        if what == "folder":
            path.mkdir()
        elif what is not None:
            path.write_bytes(content[what])
    with pytest.raises(AgentmonError, match=says) as refused:
        load(files)
    assert "\n" not in str(refused.value)


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    context = load(make_pair("localhost").write(tmp_path)).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    for version, works in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.minimum_version = client.maximum_version = version
        assert (greet(context, client, "localhost").version() == version.name.replace("v1_", "v1.")) is works


def test_its_own_client_trusts_that_certificate_and_no_other_however_old_it_is(tmp_path: Path) -> None:
    for pair in (make_pair("monitor.example"), make_pair("monitor.example", age=90 * DAY)):
        own = load(pair.write(tmp_path))
        greet(own.context, own.client_context(), "127.0.0.1")
        for other in (make_pair("monitor.example", key=2), make_pair("monitor.example")):
            with pytest.raises(ssl.SSLCertVerificationError):
                greet(load(other.write(tmp_path)).context, own.client_context(), "127.0.0.1")


def test_its_own_client_trusts_a_certificate_whose_ca_is_nowhere(tmp_path: Path) -> None:
    ca = make_pair("ca.example", key=9, is_ca=True)
    own = load(make_pair("monitor.example", issuer=ca).write(tmp_path))
    assert not is_trusted(own.context, "monitor.example")
    greet(own.context, own.client_context(), "127.0.0.1")


def test_a_renewed_certificate_is_taken_over_and_an_unchanged_one_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    served = Certificate(make_pair("localhost").write(tmp_path), "localhost")
    first = served.identity
    served.refresh()
    assert served.identity is first
    make_pair("localhost", key=2).write(tmp_path)
    served.refresh()
    assert served.identity.certificate != first.certificate
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_a_renewal_that_is_half_done_keeps_the_old_one_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = Certificate(make_pair("localhost").write(tmp_path), "localhost")
    first = served.identity
    (tmp_path / "cert.pem").write_bytes(make_pair("localhost", key=2).pem)
    for _ in range(3):
        served.refresh()
    assert served.identity is first
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "the renewed certificate cannot be used, the old one stays"
    ]
    (tmp_path / "key.pem").write_bytes(make_pair("localhost", key=2).key_pem())
    served.refresh()
    assert served.identity is not first


def test_files_that_are_gone_for_a_while_keep_the_old_one(tmp_path: Path) -> None:
    served = Certificate(make_pair("localhost").write(tmp_path), "localhost")
    first = served.identity
    (tmp_path / "key.pem").unlink()
    served.refresh()
    served.refresh()
    assert served.identity is first
    make_pair("localhost", key=2).write(tmp_path)
    served.refresh()
    assert served.identity is not first


def test_a_link_that_is_turned_to_a_new_certificate_is_noticed(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"archive{number}").mkdir()
        make_pair("localhost", key=number).write(tmp_path / f"archive{number}")
    live = tmp_path / "live"
    live.symlink_to(tmp_path / "archive1")
    served = Certificate(TlsFiles(live / "cert.pem", live / "key.pem"), "localhost")
    first = served.identity
    (tmp_path / "new").symlink_to(tmp_path / "archive2")
    (tmp_path / "new").replace(live)
    served.refresh()
    assert served.identity is not first
