"""The filter language: what each word finds, what is wrong with those that mean nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.models import AgentInfo, Monitor, MountUsage, Status
from store.policy import make_policy
from tests.tui.fleets import a_monitor, a_report, pending, small_fleet
from tests.tui.standins import NOW
from tui import filters
from tui.filters import FilterError, parse


def found(wanted: str, fleet: list[Monitor] | None = None) -> list[str]:
    return [monitor.name for monitor in parse(wanted).select(small_fleet() if fleet is None else fleet, NOW)]


def tagged() -> list[Monitor]:
    return [a_monitor(1, "a", tags=("web", "Prod")), a_monitor(2, "b", tags=("webserver",)), a_monitor(3, "c")]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ("", 10),
        ("  ", 10),
        ("WEB", 3),
        ("freebsd", 1),
        ("web debian", 3),
        ("web freebsd", 0),
        ("down", 1),
        ("192.0.2.7", 9),
        ("192", 0),
        ("[/]", 0),
        (".*", 0),
        ('"debian gnu"', 6),
        ('"debian  gnu"', 0),
        ('"debian gnu', 6),
    ],
)
def test_plain_words_must_all_stand_in_what_is_known_of_a_server(wanted: str, count: int) -> None:
    assert len(found(wanted)) == count


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("status:down", ["mail"]),
        ("is:DOWN", ["mail"]),
        ("status:down,late", ["mail", "vpn"]),
        ("status:d", ["db-primary.internal.example.org", "mail"]),
        ("status:down,", ["mail"]),
        ("name:web", ["web-1", "web-2", "web-10"]),
        ("name:web !name:web-1", ["web-2"]),
        ("os:freebsd,windows", ["backup", "win-srv"]),
        ("host:nowhere", []),
        ("cpu>80", ["db-primary.internal.example.org"]),
        ("CPU>=34 !name:db", ["web-2"]),
        ("cpu<2%", ["vpn"]),
        ("cpu<=2", ["mail", "vpn"]),
        ("cpu=4", ["backup"]),
        ("disk>90", ["backup"]),
        ("disk:/var>71 name:web-1", ["web-1", "web-10"]),
        ("disk:/nowhere>0", []),
        ("load>1.5", ["web-2"]),
        ("swap>3", []),
        ("age>40m !status:paused", ["mail"]),
        ("full<7d", ["db-primary.internal.example.org", "backup"]),
        ("rx<1M tx>=1.25MB/s name:web-2", ["web-2"]),
        ("rx>47k name:web-2", ["web-2"]),
        ("rx>48K", []),
    ],
)
def test_words_compare_and_choose(wanted: str, names: list[str]) -> None:
    assert found(wanted) == names


def test_tags_are_found_as_a_whole_by_name_and_in_parts_as_text() -> None:
    assert found("tag:web", tagged()) == ["a"]
    assert found("tag:PROD,webserver", tagged()) == ["a", "b"]
    assert found("!tag:web", tagged()) == ["b", "c"]
    assert found("webs", tagged()) == ["b"]


def test_a_server_without_a_value_meets_no_comparison_and_its_opposite() -> None:
    fleet = [pending(1, "new")]
    for word in ("cpu>0", "cpu<100", "rx>=0", "age>0", "disk>0", "full>0", "load=0"):
        assert found(word, fleet) == []
        assert found(f"!{word}", fleet) == ["new"]


def test_any_mount_counts_but_ignored_ones_only_by_name() -> None:
    monitor = a_monitor(1, "a", report=a_report(disk_usage=(MountUsage("/", 10.0), MountUsage("/my disk", 99.0))))
    ignoring = replace(monitor, policy=make_policy({}, {"disk./my disk.ignore": 1.0}))
    assert found("disk>90", [monitor]) == ["a"]
    assert found("disk>90", [ignoring]) == []
    assert found('disk:"/my disk">90', [ignoring]) == ["a"]


def test_quotes_make_text_of_what_looks_like_more() -> None:
    fleet = [a_monitor(1, "cpu>80"), a_monitor(2, "a:b"), a_monitor(3, "!c")]
    assert found('"cpu>80"', fleet) == ["cpu>80"]
    assert found('"a:b"', fleet) == ["a:b"]
    assert found('"!c"', fleet) == ["!c"]
    assert found('!"a:b" !"!c"', fleet) == ["cpu>80"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("cpu>abc", "cpu> takes a percentage"),
        ("web cpu>8x", "cpu> takes a percentage"),
        ("cpu>NaN", "cpu> takes a percentage"),
        ("cpu>٣", "cpu> takes a percentage"),
        ("cpu>1_0", "cpu> takes a percentage"),
        ("rx>fast", "rx> takes bytes a second, like 1M"),
        ("age>=soon", "age>= takes a time, like 5m"),
        ("foo>1", "foo cannot be compared"),
        ("cpu:/var>1", "only disk: takes a mount"),
        ("foo:", "there is no foo: to look for"),
        ("!foo:bar", "there is no foo: to look for"),
        ("status:gone", "no status gone"),
    ],
)
def test_a_word_that_means_nothing_is_told(wanted: str, said: str) -> None:
    with pytest.raises(FilterError, match=f"^{said}"):
        parse(wanted)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("!", "! turns"),
        ("web cpu>", "cpu> a percentage"),
        ("status:", "status: pending up"),
        ("tag:", "tag: a tag"),
        ("os:,", "os: a part"),
        ("agent:", "agent: old, or"),
        ("disk:/var", "disk:/mount>80"),
    ],
)
def test_a_word_that_is_not_finished_filters_nothing_yet_and_says_how_it_goes_on(wanted: str, hint: str) -> None:
    assert parse(wanted).hint.startswith(hint)
    assert found(wanted) == found("web" if "web" in wanted else "")


def test_a_filter_says_whether_time_alone_changes_what_it_finds() -> None:
    assert parse("web age>5m").moving
    assert parse("!full<3d").moving
    assert not parse("cpu>80 status:down agent").moving
    fleet = [a_monitor(1, "a", age_s=100)]
    assert not parse("age>5m").select(fleet, NOW)
    assert parse("age>5m").select(fleet, NOW + 300_000)


def test_no_word_looks_at_a_server_that_an_earlier_one_has_turned_away() -> None:
    looked: list[str] = []

    class Watched(str):
        def casefold(self) -> str:
            looked.append(self)
            return super().casefold()

    fleet = [a_monitor(1, "a", tags=(Watched("x"),))]
    assert parse("status:down tag:x").select(fleet, NOW) == []
    assert looked == []


pieces = st.sampled_from(
    ["cpu", "disk:", "status:", "tag:", "!", '"', ">", ">=", "<", "=", "80", "5m", "1M", "%", " ", "down", ",", "/var"]
)
typed = st.lists(pieces | st.text(max_size=3), max_size=12).map("".join)


@given(typed)
def test_whatever_is_typed_is_a_filter_or_a_mistake_that_is_told(wanted: str) -> None:
    try:
        made = parse(wanted)
    except FilterError as error:
        assert str(error)
        return
    assert len(made.select(small_fleet(), NOW)) <= len(small_fleet())
    assert made.text == wanted


words = st.sampled_from(
    ["web", "status:down", "is:up,late", "cpu>10", "mem<=41", "disk>80", "age>1m", "rx>10K", "os:debian", '"gnu/linux"']
)


@given(st.lists(words, max_size=4), st.lists(words, max_size=4))
def test_words_side_by_side_find_what_both_sides_find(one: list[str], other: list[str]) -> None:
    both = set(found(" ".join(one + other)))
    assert both == set(found(" ".join(one))) & set(found(" ".join(other)))


@given(words)
def test_a_word_and_its_opposite_share_the_fleet(word: str) -> None:
    fleet = [monitor.name for monitor in small_fleet()]
    assert sorted(found(word) + found(f"!{word}")) == sorted(fleet)


@given(st.sampled_from(list(Status)))
def test_a_status_is_found_typed_in_part_and_in_whole(status: Status) -> None:
    fleet = [a_monitor(number, each.value, each) for number, each in enumerate(Status, start=1)]
    for length in range(1, len(status.value) + 1):
        assert status.value in found(f"status:{status.value[:length]}", fleet)
    assert status.value in found(f"status:{status.value}", fleet)


def test_the_help_has_five_lines_that_fit_and_mean_something() -> None:
    assert len(filters.HELP) == 5
    for example, meaning in filters.HELP:
        parse(example)
        assert len(example) <= 27
        assert len(meaning) <= 75 - 2 - 28


def test_accents_are_found_however_they_are_encoded() -> None:
    fleet = [a_monitor(1, "café", report=a_report(hostname="cafe\u0301-host"))]
    for wanted in ("cafe\u0301", "CAFÉ", "name:cafe\u0301", "host:café"):
        assert found(wanted, fleet) == ["café"]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("agent:old", ["a", "c"]),
        ("!agent:old", ["b", "d"]),
        ("agent:OL", ["a", "c"]),
        ("agent:sh", ["a"]),
        ("agent:p", ["b", "c"]),
        ("agent:windows,macos", ["b", "c"]),
        ("agent:0.1", ["a", "c"]),
        ("agent:none", []),
    ],
)
def test_agents_are_found_by_their_version_kind_and_system_and_when_they_are_old(wanted: str, names: list[str]) -> None:
    agents = {
        "a": AgentInfo("0.1.0", "sh", "linux"),
        "b": AgentInfo("0.2.0", "psutil", "macos"),
        "c": AgentInfo("0.1.9", "powershell", "windows"),
        "d": None,
    }
    fleet = [a_monitor(number, name, agent=agent) for number, (name, agent) in enumerate(agents.items(), start=1)]
    assert found(wanted, fleet) == names
