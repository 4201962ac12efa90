"""Where agents are sent, what else the machine is called, and whether a container is around it."""

import socket
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from server.reach import MOST_SHOWN, Reach, container_warning, find_reach, is_in_container, others_note


class Entry(NamedTuple):
    """An address of an interface, as psutil tells it."""

    family: socket.AddressFamily
    address: str


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a VPN that has the default route, a LAN and Tailscale, in no container."""
    addresses = {
        "lo": "127.0.0.1",
        "docker0": "172.17.0.1",
        "tun0": "10.8.0.2",
        "eth0": "192.168.1.5",
        "tailscale0": "100.64.0.3",
        "e6": "2001:db8::5",
    }
    found = {name: [Entry(socket.AF_INET6 if ":" in at else socket.AF_INET, at)] for name, at in addresses.items()}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)
    monkeypatch.setattr(
        "server.address._routed_address", lambda family: "10.8.0.2" if family is socket.AF_INET else None
    )
    monkeypatch.setattr("server.reach.is_in_container", lambda root, environ: False)


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        (None, Reach("http://10.8.0.2:84", ("192.168.1.5", "100.64.0.3", "2001:db8::5"))),
        ("0.0.0.0", Reach("http://10.8.0.2:84", ("192.168.1.5", "100.64.0.3"))),
        ("::", Reach("http://[2001:db8::5]:84")),
        ("192.168.1.5", Reach("http://192.168.1.5:84")),
        ("127.0.0.1", Reach("http://127.0.0.1:84")),
    ],
)
def test_all_addresses_at_which_it_listens_are_known(host: str | None, reach: Reach) -> None:
    assert find_reach(host, 84, None) == reach


def test_to_a_chosen_url_there_is_nothing_to_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.reach.is_in_container", lambda root, environ: True)
    assert find_reach(None, 84, "https://mon.example.org") == Reach("https://mon.example.org")
    assert find_reach(None, 84, None).in_container
    assert not find_reach("127.0.0.1", 84, None).in_container


@pytest.mark.parametrize(
    ("file", "text", "environ"),
    [
        (".dockerenv", "", {}),
        ("run/.containerenv", "", {}),
        ("run/systemd/container", "lxc", {}),
        ("proc/1/cgroup", "12:cpu:/docker/0123\n", {}),
        ("proc/1/cgroup", "0::/kubepods.slice/kubepods-burstable.slice\n", {}),
        ("proc/1/cgroup", "0::/machine.slice/libpod-0123.scope\n", {}),
        ("proc/1/cgroup", "0::/\n", {"container": "podman"}),
    ],
)
def test_a_container_is_known_by_any_of_its_signs(
    tmp_path: Path, file: str, text: str, environ: dict[str, str]
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert is_in_container(tmp_path, environ)


@pytest.mark.parametrize("groups", [None, "0::/init.scope\n"])
def test_a_machine_is_no_container(tmp_path: Path, groups: str | None) -> None:
    if groups is not None:
        (tmp_path / "proc/1").mkdir(parents=True)
        (tmp_path / "proc/1/cgroup").write_text(groups)
    assert not is_in_container(tmp_path, {"CONTAINER": "x", "container": ""})


def test_what_is_said_names_the_addresses_and_what_to_do() -> None:
    said = str(others_note("http://10.8.0.2:84", ("192.168.1.5", "100.64.0.3")))
    assert said.startswith("Agents are sent to 10.8.0.2; this machine is also 192.168.1.5, 100.64.0.3.")
    assert "monitor key NAME --line linux --url URL" in said
    assert others_note("http://10.8.0.2:84", ()) is None
    assert " and 3 more." in str(others_note("http://h", ["192.0.2.1"] * (MOST_SHOWN + 3)))
    warning = container_warning("http://172.17.0.2:84")
    assert "172.17.0.2" in warning
    assert "public_url" in warning
