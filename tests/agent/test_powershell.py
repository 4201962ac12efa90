"""agent.ps1, as far as it can be checked without Windows: its grammar, what it calls, what it writes and sends.

No PowerShell runs here. So what PowerShell would find late or never is looked for: it takes a misspelt variable for
an empty one, and finds a command that is not there when it comes to it.
"""

import re
from collections.abc import Iterator
from functools import cache
from xml.etree import ElementTree

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from agent.scripts import read_script
from server.install_lines import install_lines
from server.schema import MountBody, ReportBody

SCRIPT = read_script("agent.ps1")
TEXT = SCRIPT.decode("ascii")  # without a byte-order mark, Windows PowerShell 5.1 takes all else for its code page
GRAMMAR = Parser(Language(tree_sitter_powershell.language()))
ROOT = GRAMMAR.parse(SCRIPT).root_node

CMDLETS = {
    "Convert-Path",
    "ConvertFrom-Json",
    "ConvertTo-Json",
    "Copy-Item",
    "Get-Acl",
    "Get-CimInstance",
    "Get-Item",
    "Get-Random",
    "Get-ScheduledTask",
    "Get-ScheduledTaskInfo",
    "Measure-Object",
    "New-Item",
    "New-Object",
    "Read-Host",
    "Register-ScheduledTask",
    "Remove-Item",
    "Select-Object",
    "Set-Acl",
    "Sort-Object",
    "Start-ScheduledTask",
    "Start-Sleep",
    "Stop-ScheduledTask",
    "Test-Path",
    "Unregister-ScheduledTask",
    "Where-Object",
    "Write-Host",
}
"""What the agent uses of that which Windows PowerShell 5.1 and PowerShell 7 both have on Windows; no aliases."""

AUTOMATIC = {
    "$_",
    "$args",
    "$executioncontext",
    "$false",
    "$lastexitcode",
    "$matches",
    "$myinvocation",
    "$null",
    "$pscommandpath",
    "$true",
}
PREFERENCES = {"$erroractionpreference", "$progresspreference"}

TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def inside(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from inside(child)


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def found(kind: str, within: Node = ROOT) -> list[Node]:
    return [node for node in inside(within) if node.type == kind]


@cache
def functions() -> dict[str, Node]:
    return {text_of(found("function_name", node)[0]): node for node in found("function_statement")}


def variables(within: Node) -> list[str]:
    """The variables in order of appearance, in lower case as PowerShell sees them, but those of the environment."""
    names = [text_of(node).lower().replace("@", "$") for node in found("variable", within)]
    return [name for name in names if not name.startswith("$env:")]


def assigned(within: Node) -> set[str]:
    targets = found("left_assignment_expression", within) + found("script_parameter", within)
    loops = [node for loop in found("foreach_statement", within) for node in loop.children if node.type == "variable"]
    return {
        name
        for node in (*targets, *loops)
        if not found("member_access", node) and not found("element_access", node)
        for name in variables(node)
    }


@cache
def constants() -> set[str]:
    outside = [node for top in ROOT.children for node in top.children if node.type == "pipeline"]
    return {name for node in outside for name in assigned(node)}


def test_it_parses() -> None:
    assert not ROOT.has_error
    assert "\r" not in TEXT and "\t" not in TEXT
    assert max(len(line) for line in TEXT.splitlines()) <= 120


def test_it_says_in_its_first_line_what_it_is() -> None:
    assert TEXT.startswith("# agentmon-agent:")


def test_a_download_that_breaks_off_runs_nothing() -> None:
    (body,) = [top for top in ROOT.children if top.type != "comment"]
    *before, last = [node for node in body.children if node.type != "comment"]
    for node in before:
        assert node.type == "function_statement" or found("assignment_expression", node), text_of(node)
        assert node.type == "function_statement" or not found("command", node), text_of(node)
    assert text_of(last).startswith("if ($MyInvocation.InvocationName -ne '.') {\n")
    assert text_of(last).endswith("\n    Invoke-Agent $args\n    exit 0\n}")


def test_it_calls_nothing_but_its_own_functions_and_what_windows_has() -> None:
    called = {text_of(node) for node in found("command_name")}
    assert called == CMDLETS | set(functions())


@pytest.mark.parametrize("name", functions())
def test_every_variable_gets_a_value_and_every_value_is_read(name: str) -> None:
    function = functions()[name]
    own = assigned(function)
    seen = variables(function)
    assert set(seen) - own - constants() - AUTOMATIC == set()
    assert {variable for variable in own - {"$null"} if seen.count(variable) < 2} == set()


def test_every_constant_is_read() -> None:
    seen = variables(ROOT)
    assert {name for name in constants() - PREFERENCES if seen.count(name) < 2} == set()


@pytest.mark.parametrize("name", functions())
def test_a_function_is_short(name: str) -> None:
    assert text_of(functions()[name]).count("\n") < 40


def test_it_sends_the_fields_of_a_report_that_windows_knows() -> None:
    sources = [text_of(functions()[name]) for name in ("Get-Report", "Get-Traffic", "ConvertTo-Body")]
    written = {name for source in sources for name in re.findall(r"(?<!\$)\b([a-z_]+) =", source)}
    unknown = {"cpu_iowait", "load_1m", "load_5m", "load_15m"}
    assert written == set(ReportBody.model_fields) - unknown


def test_an_item_of_a_disk_has_the_fields_of_a_mount() -> None:
    written = re.findall(r"^ +([a-z]+) = ", text_of(functions()["ConvertTo-Mount"]), re.MULTILINE)
    assert written == list(MountBody.model_fields)


def here_string(function: str) -> str:
    (node,) = [node for node in inside(functions()[function]) if "here_string" in node.type]
    return "\n".join(text_of(node).splitlines()[1:-1])


def test_the_task_runs_every_minute_with_the_least_rights_and_never_twice_at_once() -> None:
    xml = re.sub(r"\$\(.*\)", "07", here_string("Get-TaskXml"))
    root = ElementTree.fromstring(xml.replace('encoding="UTF-16"', ""))
    held = {node.tag.removeprefix(TASK): node.text for node in root.iter()}
    assert held["Interval"] == "PT1M"
    assert held["StartBoundary"] == "2024-01-01T00:00:07"
    assert (held["UserId"], held["RunLevel"]) == ("S-1-5-19", "LeastPrivilege")
    assert held["MultipleInstancesPolicy"] == "IgnoreNew"
    assert held["ExecutionTimeLimit"] == "PT2M"
    assert held["DisallowStartIfOnBatteries"] == held["StopIfGoingOnBatteries"] == "false"
    assert (held["Arguments"] or "").endswith('-File "$Script"')


def test_the_key_goes_into_the_body_and_its_file_alone() -> None:
    uses = {name for name, node in functions().items() if re.search(r"\$key\b|\.key\b", text_of(node), re.I)}
    assert uses == {
        "Get-Setting",
        "Test-OwnKey",
        "Get-KeyProblem",
        "Get-SettingProblem",
        "ConvertTo-Body",
        "Get-Refusal",
        "Get-Verdict",
        "Send-Report",
        "Install-Agent",
    }
    printed = [text_of(node) for node in found("expandable_string_literal")]
    assert [text for text in printed if re.search(r"\$\(?key|\.key\b|\$body|\$\(?setting\.key", text, re.I)] == []
    assert "-key" not in here_string("Get-Usage").lower()


def test_it_holds_no_secret() -> None:
    assert not re.search("amk_[0-9A-Za-z]", TEXT)


@pytest.mark.parametrize("key", ["amk_0123456789", "it's$x\"`;|&"])
@pytest.mark.parametrize("url", ["http://monitor.example:8420", "https://[2001:db8::1]:8420"])
def test_the_line_that_installs_it_is_powershell_and_passes_url_and_key_whole(url: str, key: str) -> None:
    (line,) = [line for line in install_lines(url, key) if "agent.ps1" in line.command]
    root = GRAMMAR.parse(line.command.encode()).root_node
    assert not root.has_error
    words = [text_of(node)[1:-1].replace("''", "'") for node in found("verbatim_string_characters", root)]
    assert key in words
    assert {f"{url}/agent.ps1", url} <= set(words)
    (call,) = [node for node in found("command", root) if text_of(node).startswith("powershell ")]
    assert key not in text_of(call)
