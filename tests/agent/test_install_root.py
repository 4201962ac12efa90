"""agent.sh install and uninstall on whole machines: what it makes there, and that none of it stays."""

import platform
from pathlib import Path

import pytest

from agent.scripts import read_script
from tests.agent.receiver import Receiver, trouble
from tests.agent.roots import Root, copy_of, make_busybox, make_debian, make_openwrt

KEY, OTHER = "amk_" + "k3Y" * 13 + "0", "amk_" + "0th3R" * 8
FOLDER = "etc/agentmon-agent"


@pytest.fixture
def debian(tmp_path: Path) -> Root:
    return copy_of(f"debian-{platform.freedesktop_os_release()['VERSION_CODENAME']}", make_debian, tmp_path)


@pytest.fixture
def alpine(tmp_path: Path) -> Root:
    return copy_of("busybox", make_busybox, tmp_path)


@pytest.fixture
def openwrt(tmp_path: Path) -> Root:
    return copy_of("openwrt", make_openwrt, tmp_path)


def paste(root: Root, receiver: Receiver, key: str, client: str) -> str:
    """Install as people do, with the one line that they paste."""
    receiver.script = read_script("agent.sh")
    url = receiver.url
    pipe = f"(echo AGENTMON_KEY={key}; {client} {url}/agent.sh) | `command -v sudo` sh -s -- install --url {url}"
    done = root.run(pipe)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert receiver.bodies[-1]["agent_key"] == key
    return done.stdout


def check_files(root: Root) -> None:
    """Its user can read the key and the settings, and change neither the settings nor the script."""
    (entry,) = [line for line in (root.path / "etc/passwd").read_text().splitlines() if line.startswith("agentmon-")]
    _, _, uid, gid, _, _, shell = entry.split(":")
    wanted = {"agent.sh": (0, 0o755), "agent.conf": (0, 0o640), "key": (int(uid), 0o600), "last": (int(uid), 0o600)}
    wanted["state"] = (int(uid), 0o700)
    found = {path.name: (path.stat().st_uid, path.stat().st_mode & 0o777) for path in (root.path / FOLDER).iterdir()}
    assert found == wanted
    folder = (root.path / FOLDER).stat()
    assert (folder.st_uid, folder.st_gid, folder.st_mode & 0o777) == (0, int(gid), 0o750)
    assert shell == "/bin/false"
    assert (root.path / FOLDER / "last").read_text().endswith("took the report\n")


def check_cron(root: Root, receiver: Receiver) -> None:
    """One line, which reports when its user runs it."""
    line = root.run("crontab -u agentmon-agent -l").stdout.strip()
    assert line.startswith("* * * * * sleep ")
    before = len(receiver.bodies)
    command = line.removeprefix("* * * * * ").replace("sleep ", "true ")
    root.run(f"su -s /bin/sh agentmon-agent -c '''{command.replace(chr(39), '')}'''")
    assert len(receiver.bodies) == before + 1


def uninstall_while_busy(root: Root) -> None:
    """Remove it all while a report of its user's waits for its second."""
    busy = "su -s /bin/sh agentmon-agent -c 'exec sleep 60' 2>/dev/null & until pidof sleep >/dev/null; do :; done; "
    if not (root.path / "bin/pidof").exists():
        busy = busy.replace("pidof sleep >/dev/null", "grep -qs sleep /proc/[0-9]*/comm")
    done = root.run(f"{busy} sh /{FOLDER}/agent.sh uninstall")
    assert (done.returncode, done.stdout, done.stderr) == (0, "agentmon-agent: removed\n", "")


@pytest.mark.slow
def test_a_clean_debian_with_cron_is_clean_again_after_uninstall(debian: Root, receiver: Receiver) -> None:
    before = debian.snapshot()
    assert "runs it every minute" in paste(debian, receiver, KEY, "curl -fsSL")
    check_files(debian)
    check_cron(debian, receiver)
    paste(debian, receiver, OTHER, "curl -fsSL")
    check_files(debian)
    check_cron(debian, receiver)
    assert (debian.path / FOLDER / "key").read_text() == OTHER + "\n"
    uninstall_while_busy(debian)
    assert debian.snapshot() == before


@pytest.mark.slow
def test_a_clean_debian_with_systemd_is_clean_again_after_uninstall(debian: Root, receiver: Receiver) -> None:
    debian.fake_systemd()
    before = debian.snapshot()
    paste(debian, receiver, KEY, "curl -fsSL")
    check_files(debian)
    assert debian.run("crontab -u agentmon-agent -l").stdout == ""
    service = (debian.path / "etc/systemd/system/agentmon-agent.service").read_text()
    for line in ("User=agentmon-agent", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"):
        assert line in service.splitlines()
    uninstall_while_busy(debian)
    assert debian.snapshot() == before
    assert (debian.path / "systemctl.log").read_text().splitlines() == [
        "daemon-reload",
        "-q enable --now agentmon-agent.timer",
        "start agentmon-agent.service",
        "-q disable --now agentmon-agent.timer",
        "-q stop agentmon-agent.service",
        "daemon-reload",
    ]


@pytest.mark.slow
def test_a_machine_with_busybox_alone_is_clean_again_after_uninstall(alpine: Root, receiver: Receiver) -> None:
    before = alpine.snapshot()
    paste(alpine, receiver, KEY, "wget -qO-")
    check_files(alpine)
    check_cron(alpine, receiver)
    paste(alpine, receiver, OTHER, "wget -qO-")
    check_cron(alpine, receiver)
    uninstall_while_busy(alpine)
    (alpine.path / "var/spool/cron/crontabs/cron.update").unlink(missing_ok=True)  # crond does it once it has read it
    assert alpine.snapshot() == before


@pytest.mark.slow
def test_a_machine_without_users_of_its_own_runs_it_as_root_and_is_clean_again(
    openwrt: Root, receiver: Receiver
) -> None:
    before = openwrt.snapshot()
    assert "it runs as root" in paste(openwrt, receiver, KEY, "wget -qO-")
    assert openwrt.run(f"sh /{FOLDER}/agent.sh status").returncode == 0
    line = openwrt.run("crontab -l").stdout.strip()
    assert line.startswith("* * * * * sleep ")
    reports = len(receiver.bodies)
    openwrt.run(line.removeprefix("* * * * * ").replace("sleep ", "true "))
    assert len(receiver.bodies) == reports + 1
    done = openwrt.run(f"sh /{FOLDER}/agent.sh uninstall")
    assert (done.returncode, done.stderr) == (0, "")
    (openwrt.path / "var/spool/cron/crontabs/cron.update").unlink(missing_ok=True)
    assert openwrt.snapshot() == before


@pytest.mark.slow
def test_a_wrong_key_leaves_a_whole_machine_as_it_was(debian: Root, receiver: Receiver) -> None:
    before = debian.snapshot()
    receiver.script = read_script("agent.sh")
    receiver.says(404, trouble("Agent key not found"))
    line = f"(echo AGENTMON_KEY={KEY}; curl -fsSL {receiver.url}/agent.sh) | sh -s -- install --url {receiver.url}"
    assert debian.run(line).returncode == 1
    assert debian.snapshot() == before
