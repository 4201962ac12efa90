"""agent.sh install on systems that lack what others have: containers, OpenWrt, Alpine, Synology, Unraid."""

import re

import pytest

from tests.agent.receiver import Receiver
from tests.agent.shells import Box
from tests.agent.test_shell_install import KEY, OTHERS, install, tree, user

FOLDER = "etc/agentmon-agent"
SERVICE = "etc/systemd/system/agentmon-agent.service"
HIDING = ("ProtectProc", "ProcSubset", "ProtectKernelTunables", "ProtectControlGroups")


def without(box: Box, *tools: str) -> Box:
    for tool in tools:
        box.bin.joinpath(tool).unlink(missing_ok=True)
    return box


def systemctl(box: Box, start: str) -> None:
    """Make a systemd whose units start as these lines of sh say."""
    box.stub(
        "systemctl",
        f'echo "$*" >>{box.root}/systemctl\ncase $1 in\nstart) {start} ;;\nshow) echo Result=exit-code; '
        "echo ExecMainStatus=226 ;;\n*) echo active ;;\nesac",
    )


def test_a_unit_that_cannot_be_confined_runs_as_its_user_alone(box: Box, receiver: Receiver) -> None:
    user(box, 0, systemd=True)
    service, last = box.root / SERVICE, box.root / FOLDER / "last"
    systemctl(box, f"grep -q ProtectSystem {service} && exit 1; echo 'now the receiver at x took the report' >{last}")
    done = install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert "cannot be confined here (Result=exit-code ExecMainStatus=226" in done
    text = service.read_text()
    assert "User=agentmon-agent\n" in text
    assert not re.search("^(Protect|Private|ReadWrite)", text, re.M)


def test_a_unit_that_dies_all_the_same_is_not_vouched_for(dash: Box, receiver: Receiver) -> None:
    user(dash, 0, systemd=True)
    systemctl(dash, "exit 1")
    done = dash.run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, "it did not run (Result=exit-code" in done.stderr) == (1, True)
    assert dash.run("status").returncode == 1


def test_a_unit_whose_report_is_refused_is_told_with_the_reason(dash: Box, receiver: Receiver) -> None:
    user(dash, 0, systemd=True)
    systemctl(dash, f"echo 'now the receiver at x did not answer: no route' >{dash.root}/{FOLDER}/last; exit 1")
    done = dash.run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr.endswith("failed: the receiver at x did not answer: no route\n")) == (1, True)
    assert "ProtectSystem=strict" in (dash.root / SERVICE).read_text()


def test_no_unit_hides_what_lxcfs_gives_a_container_nor_the_device_of_zfs(dash: Box, receiver: Receiver) -> None:
    install(user(dash, 0, systemd=True), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    text = (dash.root / SERVICE).read_text()
    assert not re.search(f"^({'|'.join(HIDING)}|PrivateDevices)=", text, re.M)
    assert "DeviceAllow=/dev/zfs r" in text


@pytest.mark.parametrize("option", HIDING)
def test_a_unit_of_an_older_version_is_named_and_mended(box: Box, receiver: Receiver, option: str) -> None:
    install(user(box, 0, systemd=True), receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    service = box.root / SERVICE
    whole = service.read_text()
    service.write_text(whole + f"{option}=invisible\n")
    for command in ("status", "test"):
        done = box.run(command)
        assert (done.returncode, f"sets {option}" in done.stderr, "install again" in done.stderr) == (0, True, True)
    install(box, receiver)
    assert service.read_text() == whole
    assert box.run("status").stderr == ""


def test_other_memory_than_the_shell_sees_is_said(dash: Box, receiver: Receiver) -> None:
    user(dash, 0, systemd=True)
    systemctl(dash, f"echo 65536 >{dash.root}/{FOLDER}/state/memory_total_mb")
    said = install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert "8192 MB of memory are seen here, but 65536 MB by what runs it" in said


@pytest.mark.parametrize("missing", [("useradd", "adduser", "addgroup"), ("su",)])
def test_root_that_can_make_no_user_runs_it_itself(box: Box, receiver: Receiver, missing: tuple[str, ...]) -> None:
    without(user(box, 0), *missing, "chown", "chgrp", "stty", "find")
    box.stub("useradd" if "su" in missing else "su", "exit 1")
    before = tree(box)
    assert "it runs as root" in install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    assert (box.root / "crontab-people").read_text().count("# agentmon-agent\n") == 1
    assert box.run("status").returncode == 0
    assert box.run("uninstall").returncode == 0
    assert (tree(box), (box.root / "crontab-people").exists()) == (before, False)


def test_alpines_user_shares_its_group_with_nobody(dash: Box, receiver: Receiver) -> None:
    without(user(dash, 0), "useradd", "userdel")
    for tool in ("addgroup", "adduser", "deluser", "delgroup"):
        change = "rm -f" if tool.startswith("del") else "echo >"
        dash.stub(tool, f'echo "{tool} $*" >>{dash.root}/users; {change} {dash.root}/agent-user')
    install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    dash.run("uninstall")
    assert (dash.root / "users").read_text().splitlines() == [
        "addgroup -S agentmon-agent",
        "adduser -S -D -H -h / -s /bin/false -G agentmon-agent agentmon-agent",
        "deluser agentmon-agent",
        "delgroup agentmon-agent",
    ]


def test_a_user_in_a_group_of_others_gets_settings_that_only_it_can_read(dash: Box, receiver: Receiver) -> None:
    without(user(dash, 0), "useradd")
    dash.stub("adduser", f"echo >{dash.root}/agent-user")
    dash.stub(
        "id",
        f"case $1 in -u) echo ${{AS:-0}} ;; -un) echo root ;; -g) echo 65533 ;; -gn) echo nogroup ;; "
        f"*) [ -e {dash.root}/agent-user ] ;; esac",
    )
    install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    modes = tree(dash)
    assert [modes[f"{FOLDER}{name}"] for name in ("", "/agent.conf")] == [0o755, 0o400]
    assert f"chown agentmon-agent {dash.root}/{FOLDER}/agent.conf\n" in (dash.root / "owners").read_text()


def test_without_a_crontab_command_root_writes_the_systems_table(box: Box, receiver: Receiver) -> None:
    user(box, 0, cron=False)
    table = box.write("etc/crontab", OTHERS)
    assert "cron" in install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    *others, line = table.read_text().splitlines(keepends=True)
    assert "".join(others) == OTHERS
    assert line.split("\t")[:6] == ["*"] * 5 + ["agentmon-agent"]
    install(box, receiver)
    assert table.read_text().count("agentmon-agent\n") == 1
    assert box.run("status").returncode == 0
    assert box.run("uninstall").returncode == 0
    assert table.read_text() == OTHERS


def test_openwrts_upgrade_keeps_it(box: Box, receiver: Receiver) -> None:
    kept = user(box, 0).write("etc/sysupgrade.conf", "/etc/mine\n")
    for _ in range(2):
        install(box, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    mark = "# agentmon-agent: kept across upgrades"
    assert kept.read_text().splitlines() == ["/etc/mine", mark, f"{box.root}/{FOLDER}/", f"{box.root}/etc/crontabs/"]
    box.run("uninstall")
    assert kept.read_text() == "/etc/mine\n"


def test_unraid_keeps_it_where_it_outlives_a_restart(dash: Box, receiver: Receiver) -> None:
    text = dash.script.read_text().replace("/boot/", f"{dash.root}/boot/")
    user(dash, 0).write("etc/unraid-version", 'version="7.1.2"\n')
    dash.script.write_text(text)
    dash.stub("update_cron", f"echo >>{dash.root}/updated")
    assert "cron" in install(dash, receiver, "--url", receiver.url, AGENTMON_KEY=KEY)
    folder = dash.root / "boot/config/plugins/agentmon-agent"
    assert (folder / "key").read_text() == KEY + "\n"
    line = (folder / "agentmon-agent.cron").read_text()
    assert line.startswith("* * * * * sleep ") and f"sh '{folder}/agent.sh'" in line
    assert (dash.root / "updated").exists()
    assert not (dash.root / "agent-user").exists()  # a user of its own would be gone after a restart
    assert dash.run("status").returncode == 0
    dash.run("uninstall")
    assert not folder.exists()


def test_nothing_is_written_where_nothing_can_be(dash: Box, receiver: Receiver) -> None:
    user(dash, 0).write("etc/agentmon-agent", "a file in the way")
    before = tree(dash)
    done = dash.run("install", "--url", receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, tree(dash), (dash.root / "agent-user").exists()) == (1, before, False)
