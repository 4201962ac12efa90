"""In any course of events, each channel hears one end of each begin, and nothing of who is not there."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from store.schema import prepare_database
from tests.server.courses import COURSES, play

Course = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that makes databases, as copies since that is quick."""
    folder = tmp_path_factory.mktemp("courses")
    prepare_database(folder / "empty.db")

    def make() -> Path:
        for left in folder.glob("course.db*"):
            left.unlink()
        return Path(shutil.copy(folder / "empty.db", folder / "course.db"))

    return make


@pytest.mark.parametrize(
    "course",
    [
        [("outage", 0), ("pause", 0, None), ("report", 0, 40.0, None), ("wait", 20.0), ("resume", 0)],
        [("outage", 0), ("pause", 0, 30.0), ("wait", 120.0)],
        [("outage", 0), ("pause", 0, 400.0), ("wait", 400.0), ("pause", 0, None)],
        [("outage", 0), ("pause", 0, None), ("restart",), ("resume", 0), ("wait", 20.0)],
        [("report", 0, 95.0, None), ("report", 1, 95.0, None), ("delete", 0), ("rename", 1), ("wait", 20.0)],
        [("wait", 330.0), ("pause", 0, None), ("wait", 20.0), ("resume", 0), ("wait", 20.0), ("report_all", 40.0)],
        [("report", 0, 95.0, None), ("wait", 20.0), ("pause", 0, 30.0), ("report", 0, 40.0, None), ("wait", 120.0)],
        [("report", 0, 95.0, 95.0), ("wait", 20.0), ("pause", 0, None), ("wait", 20.0), ("resume", 0)],
        [("report", 0, 85.0, None), ("wait", 20.0), ("report", 0, 95.0, None), ("restart",), ("wait", 20.0)],
    ],
)
def test_known_courses(fresh: Callable[[], Path], course: Course) -> None:
    asyncio.run(play(fresh(), course))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(course=COURSES)
def test_begins_and_ends_match_one_to_one(fresh: Callable[[], Path], course: Course) -> None:
    asyncio.run(play(fresh(), course))


@pytest.mark.slow
@settings(max_examples=2_000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(course=COURSES)
def test_begins_and_ends_match_one_to_one_in_many_courses(fresh: Callable[[], Path], course: Course) -> None:
    asyncio.run(play(fresh(), course))
