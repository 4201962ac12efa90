"""Lines of a TOML file: every key and table is found where it stands, however it is written."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmon.config_text import name_of, toml
from agentmon.toml_lines import leaves, lines_of, place_of

WRITTEN = (
    '''# a comment with [serve]
first = 1
[plain]
a.b = """
[no] # not a table
c = 1
"""
list = [ # one
  "]",
  "x = 1",
]
[ quoted . "x.y" ]  # a table
inline = {p = 1, q = {r = 2}}
[[many]]
v = 'it'''
    + """'
[empty]
"""
)


def test_keys_and_tables_are_found_on_the_line_where_they_begin() -> None:
    assert lines_of(WRITTEN) == {
        ("first",): 2,
        ("plain",): 3,
        ("plain", "a"): 4,
        ("plain", "a", "b"): 4,
        ("plain", "list"): 8,
        ("quoted",): 12,
        ("quoted", "x.y"): 12,
        ("quoted", "x.y", "inline"): 13,
        ("quoted", "x.y", "inline", "p"): 13,
        ("quoted", "x.y", "inline", "q"): 13,
        ("quoted", "x.y", "inline", "q", "r"): 13,
        ("many",): 14,
        ("many", "v"): 15,
        ("empty",): 16,
    }


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.one_of(
    st.integers(-9, 9), st.booleans(), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4), st.integers(0, 3))
def test_whatever_the_names_every_key_has_the_line_it_was_written_on(
    tree: dict[str, dict[str, object]], blank: int
) -> None:
    lines = [""] * blank
    wanted: dict[tuple[str, ...], int] = {}
    for table, keys in tree.items():
        lines.append(f"[{name_of([table])}]")
        wanted[(table,)] = len(lines)
        for key, value in keys.items():
            lines.append(f"{name_of([key])} = {toml(value)}")
            wanted[(table, key)] = len(lines)
    text = "\n".join(lines)
    assert tomllib.loads(text) == tree
    assert lines_of(text) == wanted


def test_leaves_are_values_and_tables_without_any() -> None:
    assert dict(leaves({"a": {"b": 1, "c": {}}, "d": [1]})) == {("a", "b"): 1, ("a", "c"): {}, ("d",): [1]}


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = = 2\n", 2), ("a = [\n1,\n", 2), ("a = [\n1,", 2), ("\n\na = 1\na = 2", 4)]
)
def test_a_mistake_in_the_language_has_its_line(text: str, line: int) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert place_of(caught.value, text)[0] == line
    assert "line" not in place_of(caught.value, text)[1]
