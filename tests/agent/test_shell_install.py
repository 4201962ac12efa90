"""agent.sh install, status and uninstall, with stand-ins for systemd and cron."""

import os

import pytest

from tests.agent.receiver import OK, Receiver, trouble
from tests.agent.shells import Box, need

KEY = "amk_" + "k3Y" * 13 + "0"
OTHERS = "# mine\n5 4 * * * backup 100%\n"
CRONTAB = """whose=people
if [ "$1" = -u ]; then whose=$2; shift 2; fi
tab={root}/crontab-$whose
case $1 in
-l) cat $tab 2>/dev/null ;;
-r) rm $tab ;;
-) cat >$tab.new && mv $tab.new $tab ;;
esac"""
ID = """case $1 in
-u) echo "${{AS:-{number}}}" ;;
-un) echo people ;;
-g) echo 0 ;;
*) [ -e {root}/agent-user ] ;;
esac"""
SYSTEMCTL = """echo "$*" >>{root}/systemctl
echo active"""


def user(box: Box, number: int, *, cron: bool = True, systemd: bool = False) -> Box:
    """Make the one who runs the script root (0) or a person, and say what can run things each minute."""
    box.stub("id", ID.format(number=number, root=box.root))
    box.stub("useradd", f'echo "$*" >{box.root}/agent-user')
    box.stub("userdel", f"rm {box.root}/agent-user")
    box.stub("su", 'AS=1000 exec sh -c "$5"')
    box.stub("find", "true")  # no process of that user
    for tool in ("chown", "chgrp"):
        box.stub(tool, f'echo "{tool} $*" >>{box.root}/owners')
    if cron:
        box.stub("crontab", CRONTAB.format(root=box.root))
    if systemd:
        (box.root / "run/systemd/system").mkdir(parents=True)
        box.stub("systemctl", SYSTEMCTL.format(root=box.root))
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
    user(box, 1000).write("crontab-people", OTHERS)
    assert "cron" in install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    folder = "home/.config/agentmon-agent"
    files = {name: mode for name, mode in tree(box).items() if name.startswith("home/") and "agent" in name}
    assert files == {
        folder: 0o700,
        f"{folder}/agent.conf": 0o600,
        f"{folder}/agent.sh": 0o755,
        f"{folder}/key": 0o600,
        f"{folder}/last": 0o600,
        f"{folder}/state": 0o700,
        f"{folder}/state/memory_total_mb": 0o600,
        f"{folder}/state/run": 0o600,
    }
    *others, line = (box.root / "crontab-people").read_text().splitlines(keepends=True)
    assert "".join(others) == OTHERS
    assert line.startswith("* * * * * sleep ")
    assert KEY not in line
    box.stub("sh", f'exec {" ".join(box.shell)} "$@"')
    command = box.write("cron.sh", line.removeprefix("* * * * * "))
    assert box.run(script=command).returncode == 0
    assert len(receiver.bodies) == 3


def test_root_gets_a_systemd_timer_and_a_user_for_it(box: Box, receiver: Receiver) -> None:
    user(box, 0, systemd=True)
    assert "systemd timer" in install(box, receiver, f"--url={receiver.url}", AGENTMON_KEY=KEY)
    assert not list(box.root.glob("crontab*"))
    assert (box.root / "systemctl").read_text().splitlines() == [
        "daemon-reload",
        "-q enable --now agentmon-agent.timer",
        "start agentmon-agent.service",
    ]
    folder, modes = "etc/agentmon-agent", tree(box)
    found = [modes[f"{folder}{name}"] for name in ("", "/key", "/agent.conf", "/last", "/agent.sh")]
    assert found == [0o750, 0o600, 0o640, 0o600, 0o755]
    owners = (box.root / "owners").read_text()
    assert f"chown agentmon-agent {box.root}/{folder}/key {box.root}/{folder}/last\n" in owners
    assert "agentmon-agent" in (box.root / "agent-user").read_text()
    service = (box.root / "etc/systemd/system/agentmon-agent.service").read_text()
    assert f"User=agentmon-agent\nExecStart=/bin/sh {box.root}/{folder}/agent.sh\n" in service
    assert KEY not in service


def test_root_without_systemd_gets_a_cron_line_of_the_agents_user(dash: Box, receiver: Receiver) -> None:
    install(user(dash, 0), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert f"sh '{dash.root}/etc/agentmon-agent/agent.sh'" in (dash.root / "crontab-agentmon-agent").read_text()
    assert not (dash.root / "crontab-people").exists()


def test_each_key_has_a_second_of_its_own_that_stays(dash: Box, receiver: Receiver) -> None:
    user(dash, 0)
    seconds = []
    for key in [f"amk_{number}" for number in range(8)] * 2:
        dash.run("install", "--url", receiver.url, AGENTMON_KEY=key)
        line = (dash.root / "crontab-agentmon-agent").read_text()
        seconds.append(int(line.split("sleep ")[1].partition(";")[0]))
    assert seconds[:8] == seconds[8:]
    assert len(set(seconds)) > 4
    assert all(0 <= second < 60 for second in seconds)


def test_what_an_earlier_agent_left_is_cleared_away(box: Box, receiver: Receiver) -> None:
    user(box, 0)
    old = box.write("usr/local/lib/agentmon-agent/agent.sh", "old"), box.write("var/lib/agentmon-agent/last", "old")
    box.write("crontab-people", OTHERS + f"* * * * * sleep 7; sh '{old[0]}' >/dev/null 2>&1 # agentmon-agent\n")
    conf = box.write("etc/agentmon-agent/agent.conf", f"AGENTMON_URL={receiver.url}\nAGENTMON_STATE=/var/lib/x\n")
    conf.write_text(conf.read_text() + f"AGENTMON_KEY_FILE={conf.parent}/key\n")
    box.write("etc/agentmon-agent/key", KEY + "\n").chmod(0o600)
    install(box, receiver)
    assert (box.root / "crontab-people").read_text() == OTHERS
    assert not any(path.parent.exists() for path in old)


def test_the_one_line_piped_into_a_shell_installs_too(box: Box, receiver: Receiver) -> None:
    user(box, 1000)
    receiver.script = box.script.read_bytes()
    done = box.run("install", "--url", receiver.url, stdin=receiver.script, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    installed = box.home / ".config/agentmon-agent/agent.sh"
    assert installed.read_bytes() == receiver.script
    assert receiver.paths == ["/agent.sh", "/agent/report", "/agent/report"]


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
        assert (box.root / "crontab-people").read_text().count("agentmon-agent\n") == 1


def test_a_new_key_replaces_the_old_one(dash: Box, receiver: Receiver) -> None:
    user(dash, 1000)
    dash.run("install", "--url", receiver.url, AGENTMON_KEY=KEY[:-1] + "1")
    install(dash, receiver, AGENTMON_KEY=KEY)
    assert (dash.home / ".config/agentmon-agent/key").read_text() == KEY + "\n"


@pytest.mark.parametrize(("number", "systemd"), [(1000, False), (0, True), (0, False)])
def test_uninstall_leaves_nothing_behind(box: Box, receiver: Receiver, number: int, systemd: bool) -> None:
    user(box, number, systemd=systemd).write("crontab-people", OTHERS)
    before = tree(box)
    install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    done = box.run("uninstall")
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(box) == before
    assert (box.root / "crontab-people").read_text() == OTHERS
    assert not (box.root / "agent-user").exists()
    assert not (box.root / "crontab-agentmon-agent").exists()
    if systemd:
        assert "-q disable --now agentmon-agent.timer" in (box.root / "systemctl").read_text()
    again = box.run("uninstall")  # as it is for one who forgot sudo: nothing was removed
    assert (again.returncode, again.stdout) == (0, "agentmon-agent: nothing is installed for people\n")


def test_uninstall_removes_a_crontab_that_is_empty_without_it(dash: Box, receiver: Receiver) -> None:
    install(user(dash, 1000), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert dash.run("uninstall").returncode == 0
    assert not (dash.root / "crontab-people").exists()


def test_status_tells_what_is_there_and_how_the_last_report_went(box: Box, receiver: Receiver) -> None:
    user(box, 1000)
    absent = box.run("status")
    assert (absent.returncode, absent.stderr) == (3, "agentmon-agent: not installed for people\n")
    install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    good = box.run("status")
    assert (good.returncode, good.stderr) == (0, "")
    assert "took the report" in good.stdout
    receiver.says(422, trouble("a\tb"))
    refused = box.run()
    assert refused.returncode == 1
    done = box.run("status")
    assert done.returncode == 1
    assert refused.stderr.removeprefix("agentmon-agent: ") in done.stdout
    assert receiver.url in done.stdout
    assert "cron" in done.stdout
    assert KEY not in done.stdout


@pytest.mark.parametrize("systemd", [False, True])
def test_status_is_3_where_nothing_runs_it(dash: Box, receiver: Receiver, systemd: bool) -> None:
    install(user(dash, 0, systemd=systemd), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    (dash.root / "crontab-agentmon-agent").unlink(missing_ok=True)
    if systemd:
        dash.stub("systemctl", "echo inactive; exit 3")
    done = dash.run("status")
    assert (done.returncode, "run by:   nothing" in done.stdout) == (3, True)


def test_status_is_3_when_nothing_has_run_it_for_long(dash: Box, receiver: Receiver) -> None:
    install(user(dash, 1000), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    os.utime(dash.home / ".config/agentmon-agent/last", (1, 1))
    dash.bin.joinpath("find").unlink()
    dash.bin.joinpath("find").symlink_to(need("find"))
    done = dash.run("status")
    assert (done.returncode, "for ten minutes" in done.stderr) == (3, True)


def test_a_key_that_the_receiver_does_not_know_installs_nothing(dash: Box, receiver: Receiver) -> None:
    receiver.says(404, trouble("Agent key not found"))
    before = tree(user(dash, 0))
    done = dash.run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("deleted or the key rotated; nothing is installed\n")
    assert tree(dash) == before
    assert not (dash.root / "agent-user").exists()


@pytest.mark.parametrize("status", [404, 422, 503, 500])
def test_a_wrong_key_does_not_replace_one_that_works(box: Box, receiver: Receiver, status: int) -> None:
    user(box, 1000)
    install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    before, cron = tree(box), (box.root / "crontab-people").read_text()
    receiver.says(status, trouble("no"))
    done = box.run("install", "--url", receiver.url, AGENTMON_KEY=KEY[:-1] + "X")
    assert (done.returncode, "the agent that is installed stays as it was" in done.stderr) == (1, True)
    assert (tree(box), (box.root / "crontab-people").read_text()) == (before, cron)
    assert (box.home / ".config/agentmon-agent/key").read_text() == KEY + "\n"


def test_a_receiver_that_is_busy_gets_its_agent_all_the_same(dash: Box, receiver: Receiver) -> None:
    receiver.says(503, trouble("disk full"), Retry_After="1")
    done = user(dash, 1000).run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, "its first report failed" in done.stderr) == (1, True)
    assert "cannot take a report now (503)" in done.stderr
    receiver.says(200, OK)
    assert dash.run().returncode == 0


def test_without_systemd_and_cron_it_reports_once_and_says_what_to_do(box: Box, receiver: Receiver) -> None:
    done = user(box, 1000, cron=False).run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert done.returncode == 1
    assert receiver.bodies
    assert box.run("status").returncode == 3
    script = box.home / ".config/agentmon-agent/agent.sh"
    assert f"let something run this every minute: sh {script}" in done.stderr
    assert box.run(script=script).returncode == 0


def test_cron_without_its_daemon_is_said(dash: Box, receiver: Receiver) -> None:
    user(dash, 1000)
    assert "once its daemon is started" in install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    dash.write("proc/17/comm", "crond\n")
    assert "once its daemon" not in install(dash, receiver)


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


def test_an_install_for_another_receiver_forgets_whom_the_last_one_trusted(dash: Box, receiver: Receiver) -> None:
    ca = dash.write("ca.pem", "a certificate\n")
    install(user(dash, 1000), receiver, "--url", receiver.url, "--cacert", str(ca), AGENTMON_KEY=KEY)
    folder = dash.home / ".config/agentmon-agent"
    install(dash, receiver)
    assert (folder / "ca.pem").read_text() == "a certificate\n"
    install(dash, receiver, "--url", receiver.url)
    assert "AGENTMON_CA=\n" in (folder / "agent.conf").read_text()
    assert not (folder / "ca.pem").exists()


def test_the_proxies_at_install_are_kept_for_cron(box: Box, receiver: Receiver) -> None:
    user(box, 1000)
    proxies = {"http_proxy": receiver.url, "NO_PROXY": "localhost"}
    if box.flavour == "busybox":  # whose wget asks a proxy for pages and posts nothing
        done = box.run("install", "--url", "http://receiver.invalid:8420", AGENTMON_KEY=KEY, environ=proxies)
        assert (done.returncode, "busybox wget cannot report through any" in done.stderr) == (1, True)
        return
    install(box, receiver, "--url", "http://receiver.invalid:8420", AGENTMON_KEY=KEY, **proxies)
    assert box.run().returncode == 0  # with nothing but what is stored
    assert receiver.paths == ["http://receiver.invalid:8420/agent/report"] * 3
    assert "no_proxy=localhost\n" in (box.home / ".config/agentmon-agent/agent.conf").read_text()
    assert box.run(http_proxy="http://127.0.0.1:1").returncode == 1


def test_a_proxy_on_the_pipe_reaches_cron_though_sudo_drops_variables(dash: Box, receiver: Receiver) -> None:
    receiver.script = dash.script.read_bytes()
    lines = f"AGENTMON_KEY={KEY}\nexport http_proxy={receiver.url}\n".encode()
    url = "http://receiver.invalid:8420"
    done = user(dash, 1000).run("install", "--url", url, stdin=lines + receiver.script)
    assert (done.returncode, done.stderr) == (0, "")
    assert dash.run().returncode == 0
    assert set(receiver.paths) == {f"{url}/agent.sh", f"{url}/agent/report"}


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
