"""agent.ps1 install, status and uninstall, with a stand-in for the task scheduler."""

import pytest

from tests.agent.receiver import Receiver, trouble
from tests.agent.windows.machine import COUNTERS_CLASS, Ended, Windows
from tests.agent.windows.test_settings import KEY

OTHER = KEY[:-1] + "X"


def install(windows: Windows, receiver: Receiver, key: str = KEY, **run: object) -> Ended:
    env = {"AGENTMON_KEY": key}
    return windows.ask(args=["install", "-Url", receiver.url], env=env, **run)


def files(windows: Windows) -> dict[str, bytes]:
    folders = (windows.root / "ProgramData", windows.root / "Program Files")
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_the_task_itself_is_started_and_its_outcome_told(windows: Windows, receiver: Receiver) -> None:
    ended = install(windows, receiver)
    assert (ended.code, ended.err) == (0, "")
    assert "took the report" in ended.out[0]
    assert [body["agent_key"] for body in receiver.bodies] == [KEY, KEY]  # tried first, then by the task
    assert (windows.programs / "agent.ps1").read_bytes() == windows.script.read_bytes()
    assert "took the report" in (windows.data / "state/last").read_text()
    assert "-WindowStyle" not in ended.tasks["agentmon-agent"]
    assert "<UserId>S-1-5-19</UserId>" in ended.tasks["agentmon-agent"]
    status = windows.run("status")
    assert (status.code, KEY in "".join(status.out)) == (0, False)


def test_a_local_service_that_may_not_read_is_not_vouched_for(windows: Windows, receiver: Receiver) -> None:
    ended = install(windows, receiver, only={COUNTERS_CLASS: ["administrator"]})
    assert (ended.code, "first report failed: cannot measure this machine: Windows tells no CPU time" in ended.err) == (
        1,
        True,
    )


def test_a_task_that_does_not_end_is_told(windows: Windows, receiver: Receiver) -> None:
    ended = install(windows, receiver, task_hangs=True)
    assert (ended.code, "has not ended within a minute" in ended.err) == (1, True)
    assert ended.calls.count("sleep 1") >= 60


@pytest.mark.parametrize("status", [404, 422, 503])
def test_a_wrong_key_does_not_replace_one_that_works(windows: Windows, receiver: Receiver, status: int) -> None:
    install(windows, receiver)
    before = files(windows)
    receiver.says(status, trouble("no"))
    ended = install(windows, receiver, OTHER)
    assert (ended.code, "the agent that is installed stays as it was" in ended.err) == (1, True)
    assert files(windows) == before


def test_a_key_that_the_receiver_does_not_know_installs_nothing(windows: Windows, receiver: Receiver) -> None:
    receiver.says(404, trouble("Agent key not found"))
    ended = install(windows, receiver)
    assert (ended.code, ended.err.endswith("nothing is installed\n")) == (1, True)
    assert (files(windows), ended.tasks, windows.programs.exists()) == ({}, {}, False)


def test_without_a_scheduler_nothing_stays_behind(windows: Windows, receiver: Receiver) -> None:
    ended = install(windows, receiver, unschedulable=True)
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "nothing is installed: The service has not been started" in ended.err
    assert (files(windows), windows.programs.exists(), windows.data.exists()) == ({}, False, False)


def test_a_32_bit_powershell_installs_where_the_others_do(windows: Windows, receiver: Receiver) -> None:
    env = {"AGENTMON_KEY": KEY, "ProgramFiles": str(windows.root / "Program Files (x86)")}
    ended = windows.ask(args=["install", "-Url", receiver.url], env=env)
    assert ended.code == 0, ended.err
    assert (windows.programs / "agent.ps1").exists()
    windows.ask(args=["uninstall"], env={"ProgramFiles": str(windows.root / "Program Files")})
    assert not windows.programs.exists()


def test_status_is_1_when_the_last_report_failed_and_3_when_nothing_runs_it(
    windows: Windows, receiver: Receiver
) -> None:
    assert windows.run("status").code == 3
    install(windows, receiver)
    receiver.says(422, trouble("no"))
    assert windows.run().code == 1
    status = windows.run("status")
    assert (status.code, "refused the report (422): no" in status.out[-1]) == (1, True)
    windows.ask(call="$Tasks['agentmon-agent'].State = 'Disabled'")
    assert windows.run("status").code == 3
    windows.ask(call="$Tasks.Clear()")
    status = windows.run("status")
    assert (status.code, "run by:   nothing" in status.out) == (3, True)


def test_uninstall_leaves_nothing(windows: Windows, receiver: Receiver) -> None:
    install(windows, receiver)
    ended = windows.run("uninstall")
    assert (ended.code, ended.tasks, files(windows)) == (0, {}, {})
    assert not windows.data.exists() and not windows.programs.exists()


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_who_is_no_administrator_is_told_so(windows: Windows, command: str) -> None:
    ended = windows.run(command, user="user")
    assert (ended.code, "started as administrator" in ended.err) == (1, True)


def test_installing_again_keeps_what_nothing_new_is_said_of(windows: Windows, receiver: Receiver) -> None:
    install(windows, receiver)
    ended = windows.run("install")
    assert ended.code == 0, ended.err
    assert receiver.bodies[-1]["agent_key"] == KEY


def test_folders_are_open_to_the_task_and_administrators_alone(windows: Windows, receiver: Receiver) -> None:
    rights = [call for call in install(windows, receiver).calls if call.startswith("acl ")]
    assert len(rights) == 2
    assert all(";;;SY)" in right and ";;;BA)" in right and right.endswith(";;;LS)") for right in rights)
