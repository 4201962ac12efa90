"""Which interfaces are added up."""

from pathlib import Path

import pytest

from agent.network import choose_interfaces, is_card


def test_only_cards_count_where_there_are_cards() -> None:
    names = ["lo", "eth0", "wlan0", "br0", "veth1", "docker0", "bond0"]
    assert choose_interfaces(names, {"eth0", "wlan0"}.__contains__) == ["eth0", "wlan0"]


def test_a_container_without_cards_counts_its_end_of_the_pair() -> None:
    names = ["lo", "eth0", "venet0", "br-1234", "veth9", "docker0", "virbr0", "tun0", "wg0", "tailscale0"]
    assert choose_interfaces(names, lambda name: False) == ["eth0", "venet0"]


@pytest.mark.parametrize(
    ("names", "counted"),
    [
        (["lo0", "gif0", "stf0", "en0", "en1", "bridge0", "utun0", "awdl0", "llw0", "anpi0"], ["en0", "en1"]),
        (["em0", "lo0", "pflog0", "vtnet0"], ["em0", "vtnet0"]),
        (["Loopback Pseudo-Interface 1", "Ethernet", "vEthernet (Default Switch)", "Wi-Fi"], ["Ethernet", "Wi-Fi"]),
    ],
    ids=["macos", "freebsd", "windows"],
)
def test_where_no_interface_shows_its_device_names_tell(names: list[str], counted: list[str]) -> None:
    assert choose_interfaces(names, lambda name: False) == counted


@pytest.fixture
def sys_net(tmp_path: Path) -> Path:
    for folder in ("eth0/device", "vf0/device", "member/device", "bond0", "lo"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "vf0/master").symlink_to(tmp_path / "eth0")
    (tmp_path / "member/master").symlink_to(tmp_path / "bond0")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "card"),
    [("eth0", True), ("vf0", False), ("member", True), ("bond0", False), ("lo", False), ("gone", False)],
)
def test_a_card_has_a_device_and_no_master_that_counts_for_it(sys_net: Path, name: str, card: bool) -> None:
    assert is_card(name, sys_net) is card
