"""What tui/limits.py promises: every value says where it comes from, and what is typed means what it says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import ChangeRefusedError
from store.models import Monitor
from store.policy import DISK, METRICS, Settings, checked, make_policy
from tests.tui.standins import monitor
from tui import draw
from tui.limits import Row, Scope, Source, ignore_or_heed, meaning, parse, reset, rows, short, summary


def server(defaults: Settings | None = None, own: Settings | None = None, **values: object) -> Scope:
    """Return the scope of a server that reports, with settings."""
    policy = make_policy(defaults or {}, own or {})
    one: Monitor = replace(monitor(), settings=own or {}, policy=policy, **values)  # type: ignore[arg-type]
    return Scope(defaults or {}, one)


def row(scope: Scope, name: str) -> Row:
    return next(row for row in rows(scope) if row.name == name)


def test_a_server_has_a_line_for_each_thing_that_can_be_set_and_each_mount() -> None:
    own: Settings = {"disk./gone.warn": 50.0}
    names = [row.name for row in rows(server({"disk./all.crit": 99.0}, own))]
    mounts = ["/", "/var/lib/postgresql", "/boot", "/all", "/gone"]
    assert names == ["late_after", "down_after", *METRICS, DISK, *(f"disk.{mount}" for mount in mounts)]


def test_the_defaults_have_the_mounts_that_they_name_and_say_who_differs() -> None:
    fleet = [replace(monitor("a", 1), settings={"cpu.warn": 1.0, "cpu.crit": 2.0}), monitor("b", 2)]
    scope = Scope({"disk./all.crit": 99.0})
    found = {row.name: row.now for row in rows(scope, fleet)}
    assert [name for name in found if name.startswith("disk.")] == ["disk./all"]
    assert found["cpu"] == "1"
    assert found["memory"] == ""
    assert summary(scope, fleet).startswith("2 servers, 1 with")


def test_each_value_says_where_it_comes_from() -> None:
    scope = server({"cpu.crit": 95.0, "disk./boot.warn": 60.0}, {"cpu.warn": 70.0, "disk.warn": 85.0})
    cpu, boot, root = row(scope, "cpu"), row(scope, "disk./boot"), row(scope, "disk./")
    assert [(value.shown, value.source) for value in cpu.values] == [
        ("70%", Source.OWN),
        ("95%", Source.DEFAULT),
        ("5m", Source.BUILT_IN),
    ]
    assert cpu.sources == "own, default, built in"
    assert [value.shown for value in boot.values] == ["60%", "90%", "at once"]
    assert boot.sources == "default, as disk"
    assert (root.values[0].shown, root.sources) == ("85%", "as disk")
    assert row(Scope({"cpu.crit": 95.0}), "cpu").sources == "built in, default"


def test_what_the_configuration_file_says_is_told_as_such_and_lies_beneath_the_defaults() -> None:
    configured: Settings = {"cpu.warn": 60.0, "cpu.crit": 70.0, "disk./boot.ignore": 1.0}
    scope = Scope({"cpu.crit": 95.0}, monitor(), configured)
    assert row(scope, "cpu").sources == "config, default, built in"
    assert (row(scope, "disk./boot").ignored, row(scope, "disk./boot").sources) == (True, "config")
    everyone = Scope({"cpu.crit": 95.0}, configured=configured)
    assert reset(everyone, row(everyone, "cpu")) == {"cpu.crit": None}
    assert everyone.after({"cpu.crit": None}).value("cpu.crit") == 70
    heeded = everyone.after(ignore_or_heed(everyone, row(everyone, "disk./boot")))
    assert not row(heeded, "disk./boot").ignored
    assert not ignore_or_heed(heeded, row(heeded, "disk./boot"))["disk./boot.ignore"]


def test_a_line_shows_the_present_reading_and_how_bad_it_is() -> None:
    scope = server({}, {"cpu.warn": 20.0})
    assert (row(scope, "cpu").now, row(scope, "cpu").level) == ("24%", "warn")
    assert (row(scope, "disk./var/lib/postgresql").now, row(scope, "disk./boot").level) == ("84%", "ok")
    assert (row(scope, "load").now, row(scope, "load").level) == ("0.5", "none")
    assert row(server({}, {"disk./gone.warn": 1.0}), "disk./gone").now == draw.NONE


@pytest.mark.parametrize(
    ("scope", "late", "down"),
    [
        (server(), "90s", "5m"),
        (server(interval_s=300.0), "90s, or 1.5 intervals: 7m 30s", "5m, or 3 intervals: 15m"),
        (server({}, {"down_after": 600.0}, interval_s=300.0), "90s, or 1.5 intervals: 7m 30s", "10m"),
        (Scope({}), "90s, or 1.5 intervals", "5m, or 3 intervals"),
    ],
)
def test_deadlines_say_what_follows_from_the_interval(scope: Scope, late: str, down: str) -> None:
    assert row(scope, "late_after").values[0].shown == late
    assert row(scope, "down_after").values[0].shown == down


OWN: Settings = {"cpu.warn": 70.0, "disk./boot.ignore": 1.0, "disk./.warn": 50.0}


@pytest.mark.parametrize(
    ("name", "typed", "changes"),
    [
        ("cpu", "70 90 5m", {}),
        ("cpu", "70% 90%", {}),
        ("cpu", "60", {"cpu.warn": 60}),
        ("cpu", "70 off 10m", {"cpu.crit": "off", "cpu.for": 600}),
        ("cpu", "default 85 0", {"cpu.warn": None, "cpu.crit": 85, "cpu.for": 0}),
        ("cpu", "default", {"cpu.warn": None}),
        ("memory", "default", {}),
        ("load", "4 8.5", {"load.warn": 4, "load.crit": 8.5}),
        ("late_after", "2m", {"late_after": 120}),
        ("down_after", "default", {}),
        ("disk./", "ignore", {"disk./.ignore": 1}),
        ("disk./", "default", {"disk./.warn": None}),
        ("disk./boot", "ignore", {}),
        ("disk./boot", "70 80", {"disk./boot.ignore": None, "disk./boot.warn": 70, "disk./boot.crit": 80}),
        ("disk./boot", "default", {"disk./boot.ignore": None}),
    ],
)
def test_a_typed_line_changes_what_it_says_and_nothing_else(name: str, typed: str, changes: dict[str, object]) -> None:
    scope = server({}, OWN)
    assert parse(scope, row(scope, name), typed) == changes


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("cpu", "", "warning, critical, for how long"),
        ("cpu", "95 90", "critical from 90, before the warning from 95"),
        ("cpu", "101", "at most 100 percent"),
        ("cpu", "nan", "at most 100 percent"),
        ("cpu", "high", "is a number or off"),
        ("cpu", "80 90 5x", "is a time"),
        ("cpu", "1 2 3 4", "at most three"),
        ("cpu", "ignore", "is a number or off"),
        ("late_after", "0", "more than 0"),
        ("late_after", "off", "is a time"),
    ],
)
def test_what_cannot_be_meant_is_said(name: str, typed: str, said: str) -> None:
    scope = server()
    with pytest.raises(ChangeRefusedError, match=said):
        meaning(scope, row(scope, name), typed)


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("cpu", "70 90 5m", "as it is now"),
        ("cpu", "60", "warning from 60%, critical from 90%, once it lasts 5m"),
        ("load", "4", "warning from 4, once it lasts 5m"),
        ("memory", "off off", "no limit"),
        ("disk./", "95 99", "warning from 95%, critical from 99%, at once"),
        ("disk./", "ignore", "ignored: raises no alert and has no colour"),
        ("down_after", "20m", "down after 20m"),
    ],
)
def test_what_a_typed_line_means_is_said_before_it_is_saved(name: str, typed: str, said: str) -> None:
    scope = server({}, OWN)
    assert meaning(scope, row(scope, name), typed) == said


@given(st.sampled_from([row.name for row in rows(server({}, OWN))]))
def test_what_is_offered_to_be_edited_means_what_is(name: str) -> None:
    scope = server({}, OWN)
    assert parse(scope, row(scope, name), row(scope, name).typed) == {}


@pytest.mark.parametrize("defaults", [{}, {"disk./.ignore": 1.0}])
@pytest.mark.parametrize("own", [{}, {"disk./.ignore": 1.0}, {"disk./.ignore": 0.0}])
def test_ignoring_turns_round_and_round_again(defaults: Settings, own: Settings) -> None:
    scope = server(defaults, own)
    for _ in range(3):
        before = row(scope, "disk./")
        changes = ignore_or_heed(scope, before)
        scope = server(defaults, checked(defaults, scope.own, changes))
        assert row(scope, "disk./").ignored is not before.ignored
    assert ignore_or_heed(scope, row(scope, "cpu")) == {}


def test_a_line_returns_to_its_default() -> None:
    scope = server({"cpu.crit": 95.0}, {"cpu.warn": 70.0, "cpu.for": 1.0})
    assert reset(scope, row(scope, "cpu")) == {"cpu.warn": None, "cpu.for": None}
    assert reset(scope, row(scope, "memory")) == {}
    assert reset(Scope({"cpu.crit": 95.0}), row(Scope({"cpu.crit": 95.0}), "cpu")) == {"cpu.crit": None}


@given(st.integers(0, 10_000_000))
def test_a_time_as_one_word_is_that_time(seconds: int) -> None:
    scope = server()
    changes = parse(scope, row(scope, "cpu"), f"1 2 {short(seconds)}")
    assert changes.get("cpu.for", 300) == seconds
