"""What the systems call themselves."""

import pytest

from agent.readings import freebsd, names
from agent.readings.names import assignments, os_name, read_names
from tests.agent.readings.machines import Linux


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        ("PRETTY_NAME=Alpine", "Alpine"),
        ("PRETTY_NAME='It is'", "It is"),
        ("PRETTY_NAME='a \\'\n", "a \\"),
        ('PRETTY_NAME="a \\"b\\" \\\\ \\$c \\`d\\` \\n"', 'a "b" \\ $c `d` \\n'),
        ('PRETTY_NAME="Zürich"', "Zürich"),
        ('PRETTY_NAME="One"\r\nVERSION="2"\r\n', "One"),
        ('PRETTY_NAME="One"\nPRETTY_NAME="Two"\n', "Two"),
        ('PRETTY_NAME="One"\nPRETTY_NAME=""\nNAME=x\nVERSION="2 (y)"', "x 2 (y)"),
        ('# PRETTY_NAME="no"\n\nexport X=1\nif true; then\n  NAME="yes"\nfi\n', "yes"),
        ('PRETTY_NAME="a $UNSET ${X} $(id)"', "a $UNSET ${X} $(id)"),
        ("PRETTY_NAME=a b\nNAME=c", "c"),
        ('PRETTY_NAME="open\nNAME=d', "d"),
        ('PRETTY_NAME="\x80"'.encode("latin-1").decode("utf-8", "surrogateescape"), "\N{REPLACEMENT CHARACTER}"),
        ("ID=x\n", "Linux"),
        (None, "Linux"),
    ],
)
@pytest.mark.parametrize("place", ["etc/os-release", "usr/lib/os-release"])
def test_a_distribution_is_called_what_os_release_says(linux: Linux, place: str, text: str | None, name: str) -> None:
    if text is not None:
        linux.write(place, text)
    assert read_names()["os"] == name


def test_what_the_administrator_wrote_goes_first(linux: Linux) -> None:
    linux.write("usr/lib/os-release", 'PRETTY_NAME="Clear Linux OS"\n')
    assert os_name() == "Clear Linux OS"
    linux.write("etc/os-release", 'PRETTY_NAME="Ours"\n')
    assert os_name() == "Ours"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('majorversion="7"\nproductversion="7.2.1"\nos_name="DSM"\n', "Synology DSM 7.2.1"),
        ('productversion="6.2"\n', "Synology DSM 6.2"),
        ('os_name="DSM UC"\nproductversion="3.1"\n', "Synology DSM UC 3.1"),
        ("spoilt", "Linux"),
    ],
)
def test_synology_says_it_elsewhere(linux: Linux, text: str, name: str) -> None:
    linux.write("etc.defaults/VERSION", text)
    assert os_name() == name


@pytest.mark.parametrize(
    ("system", "name"),
    [("Darwin", "macOS 14.4.1"), ("FreeBSD", "FreeBSD 14.1-RELEASE-p3"), ("Windows", "Windows 11"), ("", "11")],
)
def test_elsewhere_it_is_the_system_and_its_version(monkeypatch: pytest.MonkeyPatch, system: str, name: str) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.release", lambda: "11")
    monkeypatch.setattr("platform.mac_ver", lambda: ("14.4.1", ("", "", ""), "arm64"))
    monkeypatch.setattr(freebsd, "version", lambda: "14.1-RELEASE-p3")
    assert os_name() == name


def test_names_are_cut_to_what_a_receiver_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "os_name", lambda: "x" * 300)
    monkeypatch.setattr("socket.gethostname", lambda: "a\udcffb\0")
    assert read_names().items() >= {"os": "x" * 255, "hostname": "a\ufffdb"}.items()


def test_a_file_is_read_and_never_run(linux: Linux) -> None:
    assert assignments('$(touch x)\nX="1"; touch y\nY=`touch z`\n') == {}
    assert list(linux.root.glob("*")) == [linux.root / "proc"]
