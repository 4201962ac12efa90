"""agent.sh install, status and uninstall on FreeBSD and macOS, whose commands are stand-ins."""

import os
import plistlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from server.install_lines import install_lines
from tests.agent.receiver import Receiver, trouble
from tests.agent.shells import Box, need
from tests.agent.test_shell_install import KEY, OTHERS, install, tree, user
from tests.agent.unixes import df, freebsd, macos

FOLDER = "etc/agentmon-agent"
PLIST = "Library/LaunchDaemons/org.agentmon.agent.plist"
PW = """echo "pw $*" >>{root}/users
case $1 in useradd) echo >{root}/agent-user ;; userdel) rm {root}/agent-user ;; esac"""
CHROOT = """echo "$1 $2 $3 $4 $5 $6 $7" >>{root}/chroot
shift 7; exec "$@" """
DSCL = """case $2$3 in
-list/Users) printf '%s\\n' '_spotlight 89' 'nobody -2' 'mine 499' ;;
-list/Groups) printf '%s\\n' 'theirs     498' ;;
*) echo "$*" >>{root}/users ;;
esac
case $2$3 in -create/Users/*) echo >{root}/agent-user ;; -delete/Users/*) rm {root}/agent-user ;; esac"""
LAUNCHCTL = """echo "$*" >>{root}/launchctl
case $1 in
bootstrap) echo >{root}/loaded; echo >{root}/due ;;
bootout) rm {root}/loaded ;;
print) [ -e {root}/loaded ] ;;
esac"""
LAUNCHD = """[ -e {root}/due ] || exit 0
rm {root}/due; sh {root}/{folder}/agent.sh"""


def without_linux(box: Box) -> Box:
    """Take away what only Linux has."""
    for tool in ("su", "useradd", "userdel", "find"):
        box.bin.joinpath(tool).unlink(missing_ok=True)
    box.bin.joinpath("find").symlink_to(need("busybox" if box.flavour == "busybox" else "find"))
    box.stub("pkill", f'echo "pkill $*" >>{box.root}/users')
    return box


def firewall(box: Box, number: int = 0) -> Box:
    """Make a FreeBSD on which root (0) or a person runs the script."""
    user(freebsd(box, ("/dev/ada0p2", "/", "ufs")), number)
    without_linux(box)
    df(box, **{"/": (1000, 400, 500)})
    box.stub("pw", PW.format(root=box.root))
    box.stub("chroot", CHROOT.format(root=box.root))
    box.stub("pgrep", '[ "$*" = "-x cron" ]')
    (box.root / "etc/cron.d").mkdir()
    return box


def mac(box: Box, number: int = 0) -> Box:
    """Make a Mac on which root (0) or a person runs the script."""
    text = box.script.read_text().replace("/Library/", f"{box.root}/Library/")
    user(macos(box), number)
    without_linux(box)
    box.script.write_text(text)
    box.stub("dscl", DSCL.format(root=box.root))
    box.stub("launchctl", LAUNCHCTL.format(root=box.root))
    box.stub("sleep", LAUNCHD.format(root=box.root, folder=FOLDER))  # it runs what it loaded while install waits
    box.stub("sudo", 'shift 2; exec "$@"')
    (box.root / "Library/LaunchDaemons").mkdir(parents=True)
    return box


def lines(box: Box, name: str) -> list[str]:
    path = box.root / name
    return path.read_text().splitlines() if path.exists() else []


def test_freebsd_runs_it_by_a_file_of_cron_as_a_user_of_its_own(box: Box, receiver: Receiver) -> None:
    firewall(box)
    before = tree(box)
    told = install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert told.startswith(f"agentmon-agent: installed in {box.root}/{FOLDER}; cron runs it every minute\n")
    (line,) = lines(box, f"{FOLDER}/../cron.d/agentmon-agent")
    times, _, command = line.partition(" agentmon-agent sleep ")
    assert times == "* * * * *"
    assert command.partition("; ")[2] == f"sh '{box.root}/{FOLDER}/agent.sh' >/dev/null 2>&1 # agentmon-agent"
    assert set(lines(box, "chroot")) == {"-u agentmon-agent -g agentmon-agent -G agentmon-agent /"}
    reports = len(receiver.bodies)
    assert box.run(script=box.write("cron.sh", "sleep " + command)).returncode == 0
    assert len(receiver.bodies) == reports + 1
    assert receiver.bodies[-1]["os"] == "FreeBSD 14.1-RELEASE-p3"
    once = tree(box)
    install(box, receiver)
    assert tree(box) == once
    status = box.run("status")
    assert (status.returncode, "run by:   cron\n" in status.stdout) == (0, True)
    done = box.run("uninstall")
    assert (done.returncode, done.stdout, done.stderr) == (0, "agentmon-agent: removed\n", "")
    assert tree(box) == before
    assert lines(box, "users") == [
        "pw useradd agentmon-agent -c agentmon agent -d /var/empty -s /usr/sbin/nologin -w no",
        "pkill -9 -u agentmon-agent",
        "pw userdel agentmon-agent",
    ]


def test_macos_runs_it_by_launchd_as_a_user_of_its_own(box: Box, receiver: Receiver) -> None:
    mac(box)
    before = tree(box)
    told = install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert "launchd (org.agentmon.agent) runs it every minute\n" in told
    assert (box.root / PLIST).stat().st_mode & 0o777 == 0o644
    assert plistlib.loads((box.root / PLIST).read_bytes()) == {
        "Label": "org.agentmon.agent",
        "UserName": "agentmon-agent",
        "ProgramArguments": ["/bin/sh", f"{box.root}/{FOLDER}/agent.sh"],
        "RunAtLoad": True,
        "StartInterval": 60,
    }
    assert lines(box, "users") == [
        ". -create /Groups/agentmon-agent PrimaryGroupID 497",
        ". -create /Users/agentmon-agent UniqueID 497",
        ". -create /Users/agentmon-agent PrimaryGroupID 497",
        ". -create /Users/agentmon-agent RealName agentmon agent",
        ". -create /Users/agentmon-agent NFSHomeDirectory /var/empty",
        ". -create /Users/agentmon-agent UserShell /usr/bin/false",
        ". -create /Users/agentmon-agent Password *",
        ". -create /Users/agentmon-agent IsHidden 1",
    ]
    assert receiver.bodies[-1]["os"] == "macOS 14.4.1"
    once = tree(box)
    install(box, receiver)
    assert tree(box) == once
    status = box.run("status")
    assert (status.returncode, "run by:   launchd (org.agentmon.agent)\n" in status.stdout) == (0, True)
    done = box.run("uninstall")
    assert (done.returncode, done.stdout, done.stderr) == (0, "agentmon-agent: removed\n", "")
    assert (tree(box), (box.root / PLIST).exists(), (box.root / "loaded").exists()) == (before, False, False)
    assert lines(box, "users")[-3:] == [
        "pkill -9 -u agentmon-agent",
        ". -delete /Users/agentmon-agent",
        ". -delete /Groups/agentmon-agent",
    ]
    assert [line for line in lines(box, "launchctl") if not line.startswith("print ")] == [
        f"bootstrap system {box.root}/{PLIST}",
        "bootout system/org.agentmon.agent",
        f"bootstrap system {box.root}/{PLIST}",
        "bootout system/org.agentmon.agent",
    ]


def test_a_daemon_that_never_runs_is_not_vouched_for(dash: Box, receiver: Receiver) -> None:
    mac(dash).stub("launchctl", f'[ "$1" != bootstrap ] || echo >{dash.root}/loaded')
    done = dash.run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert done.returncode == 1
    assert "it did not run (launchctl print system/org.agentmon.agent tells more)" in done.stderr


def test_a_daemon_whose_report_is_refused_is_told(dash: Box, receiver: Receiver) -> None:
    mac(dash)
    receiver.answers = [receiver.answers[0], (422, trouble("no"), {})]
    done = dash.run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, "its first report failed" in done.stderr, "(422)" in done.stderr) == (1, True, True)
    assert dash.run("status").returncode == 1


def test_a_daemon_that_was_unloaded_runs_nothing(dash: Box, receiver: Receiver) -> None:
    install(mac(dash), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    (dash.root / "loaded").unlink()
    done = dash.run("status")
    assert (done.returncode, "run by:   nothing\n" in done.stdout) == (3, True)


@pytest.mark.parametrize("system", [firewall, mac])
def test_a_user_there_gets_a_line_in_the_crontab(
    dash: Box, receiver: Receiver, system: Callable[[Box, int], Box]
) -> None:
    system(dash, 1000)
    before = tree(dash)
    assert "cron runs it" in install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert dash.run("status").returncode == 0
    assert len(lines(dash, "crontab-people")) == 1
    assert dash.run("uninstall").returncode == 0
    assert (tree(dash), (dash.root / "crontab-people").exists()) == (before, False)


def test_a_freebsd_without_cron_d_keeps_it_in_the_crontab_of_its_user(dash: Box, receiver: Receiver) -> None:
    (firewall(dash).root / "etc/cron.d").rmdir()
    install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert len(lines(dash, "crontab-agentmon-agent")) == 1
    assert dash.run("uninstall").returncode == 0
    assert not (dash.root / "crontab-agentmon-agent").exists()


def test_a_stopped_cron_of_freebsd_is_told(dash: Box, receiver: Receiver) -> None:
    firewall(dash).stub("pgrep", "exit 1")
    assert "once its daemon is started" in install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)


def test_truenas_core_which_forgets_its_users_runs_it_as_root(dash: Box, receiver: Receiver) -> None:
    firewall(dash)
    dash.script.write_text(dash.script.read_text().replace("/data/", f"{dash.root}/data/"))
    dash.write("data/freenas-v1.db", "")
    assert "it runs as root" in install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert lines(dash, "etc/cron.d/agentmon-agent")[0].startswith("* * * * * root sleep ")
    assert lines(dash, "users") == []


def test_others_lines_stay_in_the_crontab_of_a_mac(dash: Box, receiver: Receiver) -> None:
    mac(dash, 1000).write("crontab-people", OTHERS)
    install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert dash.run("uninstall").returncode == 0
    assert (dash.root / "crontab-people").read_text() == OTHERS


def test_a_number_that_went_to_another_process_does_not_hold_it_up(dash: Box, receiver: Receiver) -> None:
    """Where there is no /proc: the process that the last run left is known by its start, which ps tells."""
    install(firewall(dash, 1000), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    dash.stub("ps", '[ "$*" = "-o lstart= -p $4" ] && echo "Sat Nov  7 15:00:00 2026    "')
    state = dash.home / ".config/agentmon-agent/state/run"
    for start, status in (("Sat_Nov_7_14:00:00_2026", 0), ("Sat_Nov_7_15:00:00_2026", 1)):
        state.write_text(f"{os.getpid()} {start} {int(time.time())} 1 0 1 1 - 1\n")
        assert dash.run().returncode == status


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "busybox", "tcsh"])
@pytest.mark.parametrize("sudo", [False, True])
def test_the_line_is_for_every_shell(tmp_path: Path, dash: Box, receiver: Receiver, shell: str, sudo: bool) -> None:
    firewall(dash)
    receiver.script = dash.script.read_bytes()
    dash.stub("command", 'command "$@"')  # FreeBSD has one for shells like csh
    if sudo:
        dash.stub("sudo", f'echo "$*" >>{dash.root}/sudo; exec "$@"')
    line = install_lines(receiver.url, KEY)[0].command
    command = [need("busybox"), "sh"] if shell == "busybox" else [need(shell)]
    environ = {"PATH": str(dash.bin), "HOME": str(dash.home), "TMPDIR": str(dash.root / "tmp")}
    done = subprocess.run(
        [*command, "-c", line], env=environ, capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.bodies[-1]["agent_key"] == KEY
    assert bool(lines(dash, "sudo")) == sudo


def test_root_without_sudo_needs_no_program_called_command_in_csh(dash: Box, receiver: Receiver) -> None:
    firewall(dash)
    receiver.script = dash.script.read_bytes()
    line = install_lines(receiver.url, KEY)[0].command
    environ = {"PATH": str(dash.bin), "HOME": str(dash.home), "TMPDIR": str(dash.root / "tmp")}
    done = subprocess.run(
        [need("tcsh"), "-c", line], env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "command: Command not found.\n")
    assert receiver.bodies[-1]["agent_key"] == KEY
