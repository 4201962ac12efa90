"""Two machines with one key are noticed; one machine that moves, reboots or has two addresses is not accused."""

import pytest

from store.senders import Run, extend_runs, two_machines


def runs_of(*reports: tuple[str | None, str], rewound: bool = True, every_s: float = 30.0) -> tuple[Run, ...]:
    """Return the runs after reports (hostname, address) at a steady interval."""
    runs: tuple[Run, ...] = ()
    for number, (hostname, address) in enumerate(reports):
        runs = extend_runs(runs, hostname, address, number * every_s, rewound)
    return runs


A, B = ("web-1", "192.0.2.1"), ("web-2", "192.0.2.2")
CLONE = ("web-1", "192.0.2.2")
V6 = ("web-1", "2001:db8::1")


@pytest.mark.parametrize("reports", [[A, B, A, B], [A, CLONE, A, CLONE], [A, A, B, B, A, A, A, B], [A, B] * 40])
def test_machines_that_alternate_are_two(reports: list[tuple[str, str]]) -> None:
    found = two_machines(runs_of(*reports))
    assert found is not None
    assert {run.address for run in found} == {"192.0.2.1", "192.0.2.2"}


@pytest.mark.parametrize(
    "reports",
    [
        [],
        [A],
        [A] * 50,
        [A, B],
        [A, A, B, B, B],
        [A, B, A],
        [A, CLONE, CLONE, A, A],
        [A, V6] * 20,
        [(None, "192.0.2.1")] * 9,
        [("web-1", f"192.0.2.{n}") for n in range(20)],
    ],
)
def test_one_machine_is_one(reports: list[tuple[str | None, str]]) -> None:
    assert two_machines(runs_of(*reports)) is None


def test_an_address_that_changes_while_the_counters_go_on_is_no_second_machine() -> None:
    assert two_machines(runs_of(*[A, CLONE] * 9, rewound=False)) is None
    assert two_machines(runs_of(*[A, B] * 9, rewound=False)) is not None


def test_a_laptop_between_two_places_is_one_machine() -> None:
    assert two_machines(runs_of(*[A, CLONE] * 9, every_s=8 * 3600.0)) is None


def test_what_is_remembered_is_bounded_and_untouched_while_nothing_changes() -> None:
    runs = runs_of(*[A, B] * 500)
    assert len(runs) <= 6
    assert extend_runs(runs, *B, heard_s=99_999.0, rewound=False) is runs
