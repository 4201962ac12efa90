"""Tags and notes on the command line: given, changed, shown, and asked for."""

import json

import pytest

from tests.agentmon.conftest import Ran, Run


def shown(run: Run, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run("monitor", "show", name, "--json").out)
    return found


def names(ran: Ran) -> list[str]:
    return [monitor["name"] for monitor in json.loads(ran.out)]


def test_monitors_are_created_with_tags(run: Run) -> None:
    assert run("monitor", "create", "a", "b", "--tag", "Web", "--tag", "prod").code == 0
    assert shown(run, "b")["tags"] == ["web", "prod"]
    assert shown(run, "a")["note"] is None


def test_one_edit_changes_name_tags_and_note(run: Run) -> None:
    run("monitor", "create", "a", "--tag", "web", "--tag", "old")
    edited = run("monitor", "edit", "a", "--name", "b", "--tag", "prod", "--untag", "OLD", "--note", "rack 4")
    assert (edited.code, edited.out, edited.err) == (0, "", "")
    assert (shown(run, "b")["tags"], shown(run, "b")["note"]) == (["web", "prod"], "rack 4")
    assert run("monitor", "edit", "b", "--note", "").code == 0
    assert shown(run, "b")["note"] is None
    assert "tags now web, prod; note changed" in run("events").out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["edit", "a"], 2, "nothing to change"),
        (["edit", "nobody", "--note", "x"], 1, "no monitor called nobody"),
        (["edit", "a", "--tag", "a b"], 1, "is no tag"),
        (["edit", "a", "--tag", ""], 1, "at least one character"),
        (["edit", "a", "--note", "two\nlines"], 1, "one line"),
        (["edit", "a", "--name", "b", "--note", "\x1b"], 1, "one line"),
        (["create", "c", "--tag", "[/]"], 1, "is no tag"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_will_not_do_is_refused_in_one_line_and_changes_nothing(
    run: Run, arguments: list[str], code: int, says: str
) -> None:
    run("monitor", "create", "a")
    ran = run("monitor", *arguments)
    assert ran.code == code
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert names(run("monitor", "list", "--json")) == ["a"]
    assert (shown(run, "a")["tags"], shown(run, "a")["note"]) == ([], None)


def test_lists_and_status_are_of_those_that_have_all_tags(run: Run) -> None:
    run("monitor", "create", "web-1", "--tag", "web", "--tag", "prod")
    run("monitor", "create", "web-2", "--tag", "web")
    run("monitor", "create", "db-1")
    assert names(run("monitor", "list", "--json", "--tag", "WEB")) == ["web-1", "web-2"]
    assert names(run("monitor", "list", "--json", "--tag", "web", "--tag", "prod")) == ["web-1"]
    assert run("monitor", "list", "--tag", "none-has-it").out == ""
    monitors = json.loads(run("status", "--json", "--tag", "prod").out)["monitors"]
    assert [(each["name"], each["tags"]) for each in monitors] == [("web-1", ["web", "prod"])]
    assert "web-2" not in run("status", "--tag", "prod").out


def test_a_status_of_a_tag_that_no_one_has_is_no_peace(run: Run) -> None:
    run("monitor", "create", "a")
    ran = run("status", "--tag", "pord")
    assert (ran.code, ran.err) == (3, "agentmon: there is no monitor with the tag pord\n")


def test_a_line_for_people_ends_in_the_tags(run: Run) -> None:
    run("monitor", "create", "a", "--tag", "web", "--tag", "prod")
    assert run("monitor", "list").out.endswith("#web #prod\n")
    lines = run("monitor", "show", "a").out.splitlines()
    assert "tags                web prod" in lines
    assert "note                -" in lines


def test_a_note_is_printed_as_it_is(run: Run) -> None:
    run("monitor", "create", "a")
    run("monitor", "edit", "a", "--note", "[/] [red] %s")
    assert "[/] [red] %s" in run("monitor", "show", "a").out
