"""What a report may hold: every field and bound that agents are promised, on the schema itself."""

import contextlib
import json
import time
from typing import Any

import pytest

from server.schema import MAX_ERRORS, SchemaError, parse_report
from store.models import MountUsage, Report
from tests.server.conftest import KEY, report_body, report_fields

PERCENTS = ["cpu_usage", "cpu_iowait", "memory_usage", "swap_usage"]
LOADS = ["load_1m", "load_5m", "load_15m"]
COUNTERS = ["network_rx_bytes", "network_tx_bytes"]
FACTS = ["os", "hostname", "kernel"]
REQUIRED = ["agent_key", "cpu_usage", "memory_usage", "memory_total_mb", "disk_usage"]
OPTIONAL = ["cpu_iowait", "swap_usage", *COUNTERS, *LOADS, *FACTS]

IN_BOUNDS = [
    *((name, value) for name in PERCENTS for value in (0, 100, 0.0, 100.0, 99.999, 1e-9)),
    *((name, value) for name in LOADS for value in (0, 1e6, 0.01)),
    *((name, value) for name in COUNTERS for value in (0, 2**63 - 1)),
    *((name, value) for name in FACTS for value in ("x", "x" * 255, "[/]", "\x1b[2J", "é" * 255, "😀" * 255)),
    ("memory_total_mb", 0),
    ("memory_total_mb", 2**53),
]
OUT_OF_BOUNDS = [
    *((name, value) for name in PERCENTS for value in (-0.001, 100.001, -1, 101)),
    *((name, value) for name in LOADS for value in (-0.001, 1e6 + 1)),
    *((name, value) for name in COUNTERS for value in (-1, 2**63, 10**30, 10**300)),
    *((name, value) for name in FACTS for value in ("x" * 256, "a\0b", "\ud800", 5, ["x"], {"x": 1}, True)),
    ("memory_total_mb", -1),
    ("memory_total_mb", 2**53 + 1),
    ("memory_total_mb", 0.5),
    ("memory_total_mb", "0.5"),
]
NO_NUMBERS = [
    "4_2", " 1", "1 ", "1\n", "1e5", "NaN", "nan", "inf", "Infinity", "0x10", "+5", "5.", ".", "-", "--1", "1,5",
    "\u0663", "\uff11", "1" * 41, "23.5%", "x", True, False, [], {}, [1], float("nan"), float("inf"), -float("inf"),
]  # fmt: skip


def refusal(body: bytes) -> SchemaError:
    """Return the error that a body must raise."""
    with pytest.raises(SchemaError) as caught:
        parse_report(body)
    return caught.value


def accepted(**changes: Any) -> Report:
    """Return the report that the changed example is read as."""
    return parse_report(report_body(**changes))[1]


def test_a_full_report_comes_out_as_it_went_in() -> None:
    key, report = parse_report(report_body())
    expected = report_fields()
    assert key == KEY == expected.pop("agent_key")
    expected["disk_usage"] = tuple(MountUsage(**disk) for disk in expected["disk_usage"])
    assert report == Report(**expected)


@pytest.mark.parametrize(("name", "value"), IN_BOUNDS)
def test_values_up_to_the_bounds_are_kept(name: str, value: Any) -> None:
    assert getattr(accepted(**{name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), OUT_OF_BOUNDS)
def test_values_beyond_the_bounds_are_named(name: str, value: Any) -> None:
    assert list(refusal(report_body(**{name: value})).errors) == [name]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", ["cpu_usage", "cpu_iowait", "memory_total_mb", "network_rx_bytes", "load_1m"])
def test_what_is_no_plain_number_is_refused(name: str, value: Any) -> None:
    assert list(refusal(report_body(**{name: value})).errors) == [name]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "true"])
@pytest.mark.parametrize("name", ["cpu_usage", "memory_total_mb", "network_rx_bytes", "load_1m"])
def test_literals_without_a_finite_value_are_refused(name: str, literal: str) -> None:
    body = report_body(**{name: "LITERAL"}).replace(b'"LITERAL"', literal.encode())
    assert list(refusal(body).errors) == [name]


@pytest.mark.parametrize(
    ("text", "number"), [("23.5", 23.5), ("0", 0), ("100", 100), ("007", 7), (".5", 0.5), ("-0", 0), ("1.50", 1.5)]
)
@pytest.mark.parametrize("name", ["cpu_usage", "cpu_iowait", "load_15m"])
def test_plain_decimal_strings_stand_for_their_numbers(name: str, text: str, number: float) -> None:
    assert getattr(accepted(**{name: text}), name) == number


@pytest.mark.parametrize(("value", "number"), [(5.0, 5), ("5", 5), ("5.0", 5), (1e3, 1000), ("0", 0), (-0.0, 0)])
@pytest.mark.parametrize("name", ["memory_total_mb", "network_tx_bytes"])
def test_integral_values_stand_for_integers(name: str, value: Any, number: int) -> None:
    result = getattr(accepted(**{name: value}), name)
    assert (result, type(result)) == (number, int)


def test_a_large_counter_as_string_loses_no_digit() -> None:
    assert accepted(network_rx_bytes=str(2**63 - 1)).network_rx_bytes == 2**63 - 1


def test_minus_zero_is_zero() -> None:
    assert str(accepted(cpu_usage=-0.0).cpu_usage) == str(accepted(cpu_usage="-0").cpu_usage) == "0.0"


def test_a_negative_string_is_a_number_out_of_range() -> None:
    assert "greater than or equal to 0" in refusal(report_body(cpu_usage="-1")).errors["cpu_usage"][0]


@pytest.mark.parametrize("blank", [None, ""])
@pytest.mark.parametrize("name", OPTIONAL)
def test_null_or_nothing_in_an_optional_field_means_absent(name: str, blank: str | None) -> None:
    assert getattr(accepted(**{name: blank}), name) is None


@pytest.mark.parametrize("blank", [None, ""])
@pytest.mark.parametrize("name", REQUIRED)
def test_null_or_nothing_in_a_required_field_is_an_error(name: str, blank: str | None) -> None:
    assert list(refusal(report_body(**{name: blank})).errors) == [name]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_required_field_is_named(name: str) -> None:
    fields = report_fields()
    del fields[name]
    assert refusal(json.dumps(fields).encode()).errors == {name: ["Field required"]}


def test_only_the_required_fields_are_required() -> None:
    fields = report_fields()
    report = parse_report(json.dumps({name: fields[name] for name in REQUIRED}).encode())[1]
    assert all(getattr(report, name) is None for name in OPTIONAL)


@pytest.mark.parametrize("key", ["x", "x" * 128, "!~", "amk_1", '"\\'])
def test_keys_of_printable_ascii_are_taken(key: str) -> None:
    assert parse_report(report_body(agent_key=key))[0] == key


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "a\n", "\x7f", "é", "\0", "\ud800", 5, None, [], {}, True])
def test_malformed_keys_are_refused_and_not_repeated(key: Any) -> None:
    error = refusal(report_body(agent_key=key))
    assert (str(error), list(error.errors)) == ("Invalid agent key", ["agent_key"])


def disk(**changes: Any) -> dict[str, Any]:
    """Return a disk item."""
    return {"mount": "/", "usage": 1.0} | changes


@pytest.mark.parametrize(
    "item",
    [
        disk(mount="/" * 1024),
        disk(usage=0),
        disk(usage="100"),
        disk(size="x" * 32),
        disk(size="", used=None),
        disk(x=[]),
    ],
)
def test_disk_items_up_to_their_bounds_are_taken(item: dict[str, Any]) -> None:
    assert accepted(disk_usage=[item]).disk_usage[0].mount == item["mount"]


@pytest.mark.parametrize(
    ("item", "path"),
    [
        (disk(mount=""), "disk_usage.0.mount"),
        (disk(mount="/" * 1025), "disk_usage.0.mount"),
        (disk(mount="/\0"), "disk_usage.0.mount"),
        (disk(mount="\udfff"), "disk_usage.0.mount"),
        (disk(mount=1), "disk_usage.0.mount"),
        ({"usage": 1}, "disk_usage.0.mount"),
        ({"mount": "/"}, "disk_usage.0.usage"),
        (disk(usage=100.1), "disk_usage.0.usage"),
        (disk(usage=True), "disk_usage.0.usage"),
        (disk(usage=""), "disk_usage.0.usage"),
        (disk(size="x" * 33), "disk_usage.0.size"),
        (disk(used="\0"), "disk_usage.0.used"),
        (disk(avail=50), "disk_usage.0.avail"),
        ([], "disk_usage.0"),
        ("/", "disk_usage.0"),
        (None, "disk_usage.0"),
    ],
)
def test_disk_items_beyond_their_bounds_are_named(item: Any, path: str) -> None:
    assert list(refusal(report_body(disk_usage=[item])).errors) == [path]


def test_512_disks_are_taken_and_513_are_not() -> None:
    disks = [disk(mount=f"/{number}") for number in range(513)]
    assert len(accepted(disk_usage=disks[:512]).disk_usage) == 512
    assert list(refusal(report_body(disk_usage=disks)).errors) == ["disk_usage"]
    assert accepted(disk_usage=[]).disk_usage == ()


@pytest.mark.parametrize("value", [{}, "[]", 1, {"0": disk()}])
def test_disks_are_an_array(value: Any) -> None:
    assert list(refusal(report_body(disk_usage=value)).errors) == ["disk_usage"]


def test_of_a_mount_that_stands_twice_the_last_counts_in_the_first_place() -> None:
    disks = [disk(usage=1), disk(mount="/home", usage=2), disk(usage=3)]
    assert accepted(disk_usage=disks).disk_usage == (MountUsage("/", 3.0), MountUsage("/home", 2.0))


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_report(b"\xef\xbb\xbf" + report_body()) == parse_report(report_body())


@pytest.mark.parametrize(
    "unknown",
    [
        b'"x": NaN', b'"x": -Infinity', b'"x": 1e999', b'"x": "\\ud800"', b'"\\ud800": 1', b'"x": "\\u0000"',
        b'"x": ' + b"9" * 5000, b'"x": {"y": [{"z": null}]}', b'"x": ' + b"[" * 200 + b"]" * 200, b'"": 0',
        b'"agent_keys": "x"', b'"CPU_USAGE": "x"',
    ],
)  # fmt: skip
def test_unknown_fields_are_ignored_whatever_is_in_them(unknown: bytes) -> None:
    assert parse_report(report_body()[:-1] + b", " + unknown + b"}") == parse_report(report_body())


@pytest.mark.parametrize(
    "body",
    [
        b"", b" \n", b"\xef\xbb\xbf", b"null", b"[]", b'"x"', b"1", b"true", b"{", b"{}x", b"cpu=1", b"{'a': 1}",
        b"\xff\xfe{\0}\0", b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\n"}', b"\x1f\x8b\x08\x00",
        b"[" * 200_000, b'{"a":' * 50_000, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_what_is_no_json_object_is_refused_without_naming_fields(body: bytes) -> None:
    assert refusal(body).errors == {}


def test_many_errors_name_the_first_five_fields() -> None:
    error = refusal(report_body(disk_usage=[{"mount": "", "usage": "x", "size": 1}] * 512, cpu_usage="x", os=1))
    assert len(error.errors) == MAX_ERRORS == 5
    assert next(iter(error.errors)) == "cpu_usage"
    assert "cpu_usage" in str(error)
    assert "more" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        report_body().replace(b'"disk_usage": [', b'"disk_usage": [' + b"0," * 100_000),
        report_body(disk_usage=[{"mount": "", "usage": "x", "size": 1, "used": 2, "avail": 3}] * 512),
        report_body(cpu_usage="LITERAL").replace(b'"LITERAL"', b"9" * 250_000),
        report_body(cpu_usage="LITERAL").replace(b'"LITERAL"', b"1." + b"9" * 250_000),
        b"[" + b"[]," * 80_000 + b"0]",
        report_body(agent_key="x" * 250_000),
    ],
    ids=["items", "bad items", "integer", "fraction", "lists", "key"],
)
def test_a_hostile_body_costs_less_than_a_fifth_of_a_second_of_cpu(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(SchemaError):
        parse_report(body)
    assert time.process_time() - started < 0.2
