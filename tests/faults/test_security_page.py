"""SECURITY.md says what holds: the tests that it names exist, and its figures are the code's."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
LIMITS = re.findall(r"^\| .+ \| ([\d.]+)[^|]* \| `([\w.]+)` \|$", PAGE, re.MULTILINE)


def in_force(name: str) -> object:
    """Return what a name of the code, such as `server.schema.MAX_MOUNTS`, stands for; of a class, its default."""
    room, module, *names = name.split(".")
    found: object = import_module(f"{room}.{module}")
    for each in names:
        found = getattr(found() if isinstance(found, type) else found, each)
    return found


@pytest.mark.parametrize(("figure", "name"), LIMITS, ids=[name for _, name in LIMITS])
def test_a_limit_is_the_one_in_force(figure: str, name: str) -> None:
    assert str(in_force(name)) == figure


def test_every_limit_of_the_table_is_compared() -> None:
    assert len(LIMITS) == len(re.findall(r"^\| .+\| `.+` \|$", PAGE, re.MULTILINE)) > 10


def test_the_tests_that_it_names_exist() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", PAGE))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_readme_leads_there() -> None:
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
