"""Settings as typed, and the policy that results: own before default before built in."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import ChangeRefusedError
from store.policy import (
    DEFAULT_POLICY,
    NO_LIMITS,
    Defaults,
    Level,
    Limits,
    Setting,
    checked,
    effective,
    make_policy,
    parse_setting,
)
from store.text import safe_text


def test_what_is_built_in_is_what_the_manual_says() -> None:
    policy = DEFAULT_POLICY
    assert (policy.late_after_s, policy.down_after_s) == (90, None)
    assert policy.limits("cpu") == policy.limits("memory") == Limits(80, 90, 300)
    assert policy.limits("swap") == Limits(60, 80, 300)
    assert policy.limits("iowait") == Limits(20, 40, 300)
    assert policy.limits("load") == Limits(None, None, 300)
    assert policy.limits("disk") == policy.limits("disk", "/var") == Limits(80, 90, 0)


@pytest.mark.parametrize(
    ("interval_s", "late_s", "down_s"), [(None, 90, 300), (60, 90, 300), (100, 150, 300), (600, 900, 1800)]
)
def test_deadlines_grow_with_the_interval(interval_s: float | None, late_s: float, down_s: float) -> None:
    assert (DEFAULT_POLICY.late_s(interval_s), DEFAULT_POLICY.down_s(interval_s)) == (late_s, down_s)


def test_a_set_deadline_for_down_is_exact_and_one_for_late_is_a_minimum() -> None:
    policy = make_policy({}, {"down_after": 5.0, "late_after": 3.0})
    assert (policy.down_s(600), policy.late_s(10), policy.late_s(1)) == (5, 15, 3)


def test_own_settings_go_before_defaults_and_a_mount_before_all_mounts() -> None:
    defaults: dict[str, Setting] = {"cpu.warn": 70.0, "disk./boot.warn": 60.0, "disk.crit": 99.0}
    own: dict[str, Setting] = {"cpu.warn": 50.0, "disk.warn": 85.0, "disk./var.crit": "off", "disk./tmp.ignore": 1.0}
    policy = make_policy(defaults, own)
    assert policy.limits("cpu") == Limits(50, 90, 300)
    assert policy.limits("disk", "/") == Limits(85, 99, 0)
    assert policy.limits("disk", "/boot") == Limits(60, 99, 0)
    assert policy.limits("disk", "/var") == Limits(85, None, 0)
    assert policy.limits("disk", "/tmp") is NO_LIMITS
    assert effective("disk./boot.warn", defaults, own) == 60
    assert effective("down_after", defaults, own) is None


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("cpu.warn=70", {"cpu.warn": 70}),
        ("cpu.warn=70%", {"cpu.warn": 70}),
        ("down_after=120", {"down_after": 120}),
        ("down_after=15m", {"down_after": 900}),
        ("cpu.for=5m", {"cpu.for": 300}),
        ("disk.for=0", {"disk.for": 0}),
        ("disk./var.crit=95", {"disk./var.crit": 95}),
        ("disk./mnt/a.b.crit=95", {"disk./mnt/a.b.crit": 95}),
        ("disk./a=b.crit=95", {"disk./a=b.crit": 95}),
        (r"disk.C:\.warn=70", {r"disk.C:\.warn": 70}),
        ("load.warn=off", {"load.warn": "off"}),
        ("load.warn=default", {"load.warn": None}),
        (
            "disk./var=default",
            {"disk./var.warn": None, "disk./var.crit": None, "disk./var.for": None, "disk./var.ignore": None},
        ),
        (
            "disk./a.b=ignore",
            {"disk./a.b.warn": None, "disk./a.b.crit": None, "disk./a.b.for": None, "disk./a.b.ignore": 1},
        ),
    ],
)
def test_settings_are_read_as_typed(text: str, changes: dict[str, Setting | None]) -> None:
    assert parse_setting(text) == changes
    checked({}, {}, changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cpu.warn", "is not KEY=VALUE"),
        ("=5", "is not KEY=VALUE"),
        ("cpu.warm=5", "cpu.warm cannot be set"),
        ("gpu.warn=5", "gpu.warn cannot be set"),
        ("cpu.warn=", "is a number or off"),
        ("cpu.warn=4_2", "is a number or off"),
        ("cpu.warn=nan", "is more than 0 and at most 100 percent"),
        ("cpu.warn=101", "is more than 0 and at most 100 percent"),
        ("cpu.warn=0", "is more than 0"),
        ("load.warn=inf", "is more than 0 and at most 1000000"),
        ("cpu.for=off", "is a time like"),
        ("cpu.for=2d", "at most 86400 seconds"),
        ("down_after=off", "is a time like"),
        ("down_after=0", "is more than 0"),
        ("down_after=-5", "is a time like"),
        ("cpu.warn=95", "critical from 90, before the warning from 95"),
        ("disk./var.warn=95", "disk./var would be critical from 90"),
        ("\x1b[2J=1", "cannot be set"),
        ("disk..warn=50", "cannot be set"),
        ("disk.=ignore", "cannot be set"),
        (f"disk./{'x' * 1024}.warn=50", "cannot be set"),
        ("down_after=367d", "at most 31622400 seconds (366d)"),
    ],
)
def test_what_cannot_be_set_is_refused_in_a_line(text: str, said: str) -> None:
    with pytest.raises(ChangeRefusedError) as refusal:
        checked({}, {}, parse_setting(text))
    assert said in str(refusal.value)
    assert safe_text(str(refusal.value), 1_000) == str(refusal.value)


def test_defaults_are_checked_by_themselves() -> None:
    assert checked({}, {"cpu.warn": 50.0}, {"cpu.crit": 60.0}) == {"cpu.warn": 50, "cpu.crit": 60}
    with pytest.raises(ChangeRefusedError):
        checked({}, {"cpu.warn": 50.0}, {"cpu.crit": 40.0})


def test_a_server_has_only_so_many_settings() -> None:
    many: dict[str, Setting | None] = {f"disk./{n}.warn": 50.0 for n in range(2_001)}
    with pytest.raises(ChangeRefusedError, match="too many"):
        checked({}, {}, many)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_taken_or_refused(text: str) -> None:
    try:
        settings = checked({}, {}, parse_setting(text))
    except ChangeRefusedError as error:
        assert safe_text(str(error), 1_000) == str(error)
    else:
        assert all(value == "off" or math.isfinite(float(value)) for value in settings.values())
        make_policy({}, settings)


def test_a_level_is_that_of_the_highest_limit_reached() -> None:
    limits = Limits(80, 90, 0)
    assert [limits.level(value) for value in (None, 79.9, 80, 90)] == [None, None, Level.WARNING, Level.CRITICAL]
    assert Limits(None, 90, 0).level(85) is None
    assert NO_LIMITS.level(100) is None


def test_a_mount_ignored_for_all_can_be_heeded_on_one_server() -> None:
    defaults: dict[str, Setting] = {"disk./tmp.ignore": 1.0}
    own = checked(defaults, {}, {"disk./tmp.ignore": 0.0})
    assert make_policy(defaults, own).limits("disk", "/tmp") == Limits(80, 90, 0)
    with pytest.raises(ChangeRefusedError, match="is 1 or 0"):
        checked(defaults, {}, {"disk./tmp.ignore": 2.0})


def test_what_people_set_goes_before_the_configuration_file_and_that_before_what_is_built_in() -> None:
    defaults = Defaults({"cpu.warn": 70.0}, {"cpu.warn": 60.0, "swap.warn": 50.0, "disk./tmp.ignore": 1.0})
    policy = make_policy(defaults.merged, {"swap.crit": 55.0})
    assert (policy.limits("cpu").warn, policy.limits("swap")) == (70, Limits(50, 55, 300))
    assert policy.limits("disk", "/tmp") == NO_LIMITS
    assert policy.limits("memory").warn == 80
    with pytest.raises(ChangeRefusedError, match=r"critical from 40, before the warning from 50"):
        checked(defaults.configured, {}, {"swap.crit": 40.0})
