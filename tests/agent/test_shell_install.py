"""agent.sh install, status and uninstall, with stand-ins for systemd and cron."""

import os

import pytest

from tests.agent.receiver import Receiver, trouble
from tests.agent.shells import Box

KEY = "amk_secret0123"
OTHERS = "# mine\n5 4 * * * backup 100%\n"
CRONTAB = """case $1 in
-l) cat {tab} 2>/dev/null ;;
-r) rm {tab} ;;
-) cat >{tab}.new && mv {tab}.new {tab} ;;
esac"""


def user(box: Box, number: int, *, cron: bool = True, systemd: bool = False) -> Box:
    """Make the one who runs the script root (0) or a person, and say what can run things each minute."""
    box.stub("id", f"echo {number}")
    if cron:
        box.stub("crontab", CRONTAB.format(tab=box.root / "crontab"))
    if systemd:
        (box.root / "run/systemd/system").mkdir(parents=True)
        box.stub("systemctl", f'echo "$*" >>{box.root}/systemctl\necho active')
    (box.root / "etc/systemd/system").mkdir(parents=True)
    (box.root / "home").mkdir(exist_ok=True)
    return box


def tree(box: Box) -> dict[str, int]:
    """Return the installed files and folders with their modes."""
    places = ("home", "etc", "usr", "var")
    found = [path for place in places for path in sorted((box.root / place).rglob("*"))]
    return {str(path.relative_to(box.root)): path.stat().st_mode & 0o7777 for path in found}


def install(box: Box, receiver: Receiver, *args: str, **environ: str) -> str:
    done = box.run("install", *args, environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "took the report" in done.stdout
    assert KEY not in done.stdout
    assert receiver.bodies[-1]["agent_key"] == KEY
    return done.stdout


def test_a_user_gets_private_files_and_a_cron_line_that_works(box: Box, receiver: Receiver) -> None:
    user(box, 1000).write("crontab", OTHERS)
    assert "crontab" in install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    conf, lib = "home/.config/agentmon-agent", "home/.local/share/agentmon-agent"
    files = {name: mode for name, mode in tree(box).items() if name.startswith("home/") and "agent" in name}
    assert files == {
        conf: 0o700,
        f"{conf}/agent.conf": 0o600,
        f"{conf}/key": 0o600,
        lib: 0o700,
        f"{lib}/agent.sh": 0o755,
        f"{lib}/last": 0o600,
    }
    *others, line = (box.root / "crontab").read_text().splitlines(keepends=True)
    assert "".join(others) == OTHERS
    assert line.startswith("* * * * * sleep ")
    assert KEY not in line
    box.stub("sh", f'exec {" ".join(box.shell)} "$@"')
    command = box.write("cron.sh", line.removeprefix("* * * * * "))
    assert box.run(script=command).returncode == 0
    assert len(receiver.bodies) == 2


def test_root_gets_a_systemd_timer(box: Box, receiver: Receiver) -> None:
    user(box, 0, systemd=True)
    assert "systemd timer" in install(box, receiver, f"--url={receiver.url}", AGENTMON_KEY=KEY)
    assert not (box.root / "crontab").exists()
    assert (box.root / "systemctl").read_text().splitlines() == [
        "daemon-reload",
        "enable --now -q agentmon-agent.timer",
    ]
    modes = tree(box)
    assert modes["etc/agentmon-agent/key"] == 0o600
    assert modes["usr/local/lib/agentmon-agent/agent.sh"] == 0o755
    assert modes["etc/systemd/system/agentmon-agent.service"] == 0o644
    service = (box.root / "etc/systemd/system/agentmon-agent.service").read_text()
    assert f"ExecStart=/bin/sh {box.root}/usr/local/lib/agentmon-agent/agent.sh\n" in service
    assert KEY not in service
    assert "OnUnitActiveSec=60s" in (box.root / "etc/systemd/system/agentmon-agent.timer").read_text()


def test_root_without_systemd_gets_a_cron_line(dash: Box, receiver: Receiver) -> None:
    install(user(dash, 0), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert "usr/local/lib/agentmon-agent/agent.sh" in (dash.root / "crontab").read_text()


def test_the_one_line_piped_into_a_shell_installs_too(box: Box, receiver: Receiver) -> None:
    user(box, 1000)
    receiver.script = box.script.read_bytes()
    done = box.run("install", "--url", receiver.url, stdin=receiver.script, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    installed = box.home / ".local/share/agentmon-agent/agent.sh"
    assert installed.read_bytes() == receiver.script
    assert receiver.paths == ["/agent.sh", "/agent/report"]


def test_a_broken_download_installs_nothing(dash: Box, receiver: Receiver) -> None:
    user(dash, 1000)
    receiver.script = dash.script.read_bytes()[:-10]
    done = dash.run("install", "--url", receiver.url, stdin=dash.script.read_bytes(), AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert list(dash.home.iterdir()) == []


@pytest.mark.parametrize(("number", "systemd"), [(1000, False), (0, True)])
def test_installing_twice_is_installing_once(box: Box, receiver: Receiver, number: int, systemd: bool) -> None:
    user(box, number, systemd=systemd)
    install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    once = tree(box)
    install(box, receiver)  # the URL and the key are those that the first one wrote
    assert tree(box) == once
    if not systemd:
        assert (box.root / "crontab").read_text().count("agentmon-agent\n") == 1


def test_a_new_key_replaces_the_old_one(dash: Box, receiver: Receiver) -> None:
    user(dash, 1000)
    dash.run("install", "--url", receiver.url, AGENTMON_KEY="amk_old")
    install(dash, receiver, AGENTMON_KEY=KEY)
    assert (dash.home / ".config/agentmon-agent/key").read_text() == KEY + "\n"


@pytest.mark.parametrize(("number", "systemd"), [(1000, False), (0, True), (0, False)])
def test_uninstall_leaves_nothing_behind(box: Box, receiver: Receiver, number: int, systemd: bool) -> None:
    user(box, number, systemd=systemd).write("crontab", OTHERS)
    before = set(tree(box))
    install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    done = box.run("uninstall")
    assert (done.returncode, done.stderr) == (0, "")
    left = set(tree(box)) - before
    assert left <= {"home/.config", "home/.local", "home/.local/share", "usr/local", "usr/local/lib", "var/lib"}
    assert (box.root / "crontab").read_text() == OTHERS
    if systemd:
        assert "disable --now -q agentmon-agent.timer" in (box.root / "systemctl").read_text()
    assert box.run("uninstall").returncode == 0


def test_uninstall_removes_a_crontab_that_is_empty_without_it(dash: Box, receiver: Receiver) -> None:
    install(user(dash, 1000), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert dash.run("uninstall").returncode == 0
    assert not (dash.root / "crontab").exists()


def test_status_tells_what_is_there_and_how_the_last_report_went(box: Box, receiver: Receiver) -> None:
    user(box, 1000)
    assert box.run("status").stderr == "agentmon-agent: not installed\n"
    install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    receiver.says(422, trouble("a\\tb"))
    refused = box.run()
    assert refused.returncode == 1
    done = box.run("status")
    assert done.returncode == 0
    assert refused.stderr.removeprefix("agentmon-agent: ") in done.stdout
    assert receiver.url in done.stdout
    assert "your crontab" in done.stdout
    assert KEY not in done.stdout


def test_a_key_that_the_receiver_does_not_know_is_installed_but_said(dash: Box, receiver: Receiver) -> None:
    receiver.says(404, trouble("Agent key not found"))
    done = user(dash, 1000).run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert done.returncode == 1
    assert "does not know this key" in done.stdout
    assert "installed; a line in your crontab" in done.stdout


def test_without_systemd_and_cron_it_says_what_to_do(box: Box, receiver: Receiver) -> None:
    done = user(box, 1000, cron=False).run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert done.returncode == 1
    script = box.home / ".local/share/agentmon-agent/agent.sh"
    assert f"let something run this every minute: sh {script}" in done.stderr
    assert box.run(script=script).returncode == 0


def test_the_environment_wins_over_what_install_wrote(dash: Box, receiver: Receiver) -> None:
    install(user(dash, 1000), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert dash.run(AGENTMON_KEY="amk_other").returncode == 0
    assert receiver.bodies[-1]["agent_key"] == "amk_other"
    assert dash.run(AGENTMON_URL="http://127.0.0.1:1").returncode == 1


def test_a_private_ca_is_kept_with_the_settings(dash: Box, receiver: Receiver) -> None:
    ca = dash.write("ca.pem", "a certificate\n")
    install(user(dash, 1000), receiver, "--url", receiver.url, AGENTMON_KEY=KEY, AGENTMON_CA=str(ca))
    kept = dash.home / ".config/agentmon-agent/ca.pem"
    assert kept.read_text() == "a certificate\n"
    assert f"AGENTMON_CA={kept}\n" in (kept.parent / "agent.conf").read_text()


def test_without_a_key_and_a_terminal_install_asks_nobody_and_writes_nothing(box: Box, receiver: Receiver) -> None:
    done = user(box, 1000).run("install", "--url", receiver.url)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert list(box.home.iterdir()) == []


def test_at_a_terminal_install_asks_for_the_key_without_showing_it(box: Box, receiver: Receiver) -> None:
    user(box, 1000)
    environ = {"PATH": str(box.bin), "HOME": str(box.home), "TMPDIR": str(box.root / "tmp")}
    pid, terminal = os.forkpty()
    if pid == 0:
        os.chdir(box.root)
        os.execve(box.shell[0], [*box.shell, str(box.script), "install", "--url", receiver.url], environ)
    seen = read_until(terminal, b"not shown): ")
    os.write(terminal, KEY.encode() + b"\n")
    seen += read_until(terminal, None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, seen
    os.close(terminal)
    assert KEY.encode() not in seen
    assert b"took the report" in seen
    assert receiver.bodies[0]["agent_key"] == KEY
    assert not list(box.root.glob("wget-log*"))


def read_until(terminal: int, mark: bytes | None) -> bytes:
    """Read what the terminal shows up to `mark`, or to the end of the program."""
    seen = b""
    while mark is None or mark not in seen:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        seen += part
    return seen
