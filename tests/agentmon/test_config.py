"""The configuration file: all of it is checked, each mistake has its line, and what is right holds."""

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from agentmon.config import Config, ConfigRefusedError, load, load_database
from agentmon.config_items import ANY_MOUNT, find, items
from agentmon.config_text import commented_file
from agentmon.serve import THEMES, serve, tui
from tui.actions import ACTIONS
from tui.keys import NAMED
from tui.look import LOOKS

ROOT = Path(__file__).parents[2]

Load = Callable[[str], Config]

NOT_IN_THE_FILE = {"tui", "db", "config", "version", "help"}


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Load a file of that text."""

    def load_text(text: str) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load(path, named=True)

    return load_text


FULL = """
database = "~/agentmon.db"
[serve]
port = 9000
self = true
max_report_rate = 5
max_per_address = 40
[retention]
keep_raw = "4h"
keep_5m = 864000
[console]
theme = "light"
mouse = false
bell = true
[notifications]
remind_every = "0"
[thresholds]
down_after = "15m"
[thresholds.cpu]
warn = "off"
crit = 95
for = "5m"
[thresholds.disk."/mnt/back.up"]
ignore = true
[keys]
pause = ["P", "f5"]
"""


def test_what_the_file_says_feeds_the_options_of_the_commands(read: Load) -> None:
    config = read(FULL)
    assert config.for_command("serve") == {
        "port": 9000,
        "with_self": True,
        "max_report_rate": 5.0,
        "max_per_address": 40,
        "keep_raw": 4 * 3600.0,
        "keep_5m": 10 * 86400.0,
        "remind_every": 0.0,
        "theme": "light",
        "no_mouse": True,
        "bell": True,
    }
    assert config.for_command("tui") == {"theme": "light", "no_mouse": True, "bell": True}
    assert config.limits == {
        "down_after": 900.0,
        "cpu.warn": "off",
        "cpu.crit": 95.0,
        "cpu.for": 300.0,
        "disk./mnt/back.up.ignore": 1.0,
    }
    assert config.keys == {"pause": ("P", "f5")}
    assert config.value("notifications", "hold") == 5


MISTAKES = [
    ('[console]\n\ntheme = "blue"', 3, "console.theme is one of auto, dark, light, ansi, mono"),
    ('[console]\ntheme = "blue"\n[serve]\nport = "x"', 2, "console.theme is one of"),
    ("[serve]\nport = 70000", 2, "serve.port is a whole number from 0 to 65535"),
    ("[serve]\nport = true", 2, "serve.port is a whole number"),
    ("[serve]\nport = 1.0", 2, "serve.port is a whole number"),
    ("[serve]\nmax_report_rate = nan", 2, "serve.max_report_rate is a number from 0"),
    ("[serve]\nmax_per_address = 0", 2, "serve.max_per_address is a whole number from 1 to 1000"),
    ("[serve]\nself = 1", 2, "serve.self is true or false"),
    ('[serve]\nhost = "a b"', 2, "serve.host is a host name or address"),
    ('[serve]\npublic_url = "x; rm -rf /"', 2, "serve.public_url is http://HOST:PORT"),
    ('[retention]\nkeep_raw = "soon"', 2, 'retention.keep_raw is a time like "90s"'),
    ('[retention]\nkeep_1h = "500d"\nkeep_raw = "1h"', 3, "retention: raw reports are kept for at least 2 hours"),
    ('[retention]\nkeep_raw = "30d"', 2, "retention: a wider tier is kept at least as long"),
    ('database = "agentmon.db"', 1, "database is an absolute path"),
    ("[serve]\nprot = 1", 2, "there is no setting serve.prot; did you mean serve.port?"),
    ("[serve]\nlog = 1", 2, "there is no setting serve.log; there is host, port"),
    ("[sevre]\nport = 1", 1, "there is no table sevre; did you mean serve?"),
    ("[sevre]", 1, "there is no setting sevre; did you mean serve?"),
    ("serve = 1", 1, "serve is a table: [serve]"),
    ("[[serve]]\nport = 1", 1, "serve is a table: [serve]"),
    ("[serve.port]\nx = 1", 1, "serve.port is no table"),
    ("[thresholds]\nlate_after = 0", 2, "thresholds.late_after is a time"),
    ("[thresholds.cpu]\nwarn = 101", 2, 'thresholds.cpu.warn is a number above 0, at most 100 percent, or "off"'),
    ("[thresholds.cpu]\nwarn = 95", 2, "cpu would be critical from 90, before the warning from 95"),
    ('[thresholds.disk]\ncrit = 85\n[thresholds.disk."/a"]\nwarn = 87', 4, "disk./a would be critical from 85"),
    (
        '[thresholds.disk."/a"]\nwarm = 1',
        2,
        'no setting thresholds.disk."/a".warm; did you mean thresholds.disk."/a".warn?',
    ),
    ("[thresholds.disk]\nignore = true", 2, 'a mount has a table, [thresholds.disk."/var"]'),
    ('[thresholds.disk]\n"/a" = 80', 2, 'a mount has a table, [thresholds.disk."/var"]'),
    ('[keys]\npuase = "x"', 2, "there is no setting keys.puase; did you mean keys.pause?"),
    ('[keys]\nqwertyuiop = "x"', 2, "agentmon config show lists them"),
    ('[keys]\npause = "hyper+x"', 2, 'keys.pause is a key like "P"'),
    ("[keys]\npause = []", 2, "keys.pause is a key like"),
    ("[keys]\npause = 5", 2, "keys.pause is a key like"),
    ('[keys]\npause = "ctrl+s"', 2, "keys.pause cannot be ctrl+s, which screen, tmux or the terminal itself takes"),
    ('[keys]\npause = "ctrl+m"', 2, "keys.pause cannot be ctrl+m, which a terminal sends as enter"),
    ('[keys]\nhelp = "H"\npause = "d"', 3, "keys.pause cannot be d, the key of delete (screen Fleet)"),
    ('[keys]\nback = "b"', 2, "keys.back needs a key that types nothing"),
    ("a = 1\n[serve\n", 2, "this is no TOML"),
    ("[serve]\nport = 1\nport = 2", 3, "this is no TOML"),
]


@pytest.mark.parametrize(("text", "line", "said"), MISTAKES, ids=[said for _, _, said in MISTAKES])
def test_a_mistake_is_told_in_one_line_with_its_place(read: Load, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigRefusedError) as caught:
        read(text)
    message = str(caught.value)
    assert f"config.toml line {line}: " in message
    assert said in message
    assert "\n" not in message


def test_a_file_that_nobody_named_need_not_be_there_but_one_that_was_must(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    assert load(missing, named=False).for_command("serve") == {}
    assert load_database(missing, named=False) is None
    for reader in (load, load_database):
        with pytest.raises(ConfigRefusedError, match=r"cannot read .*none\.toml: No such file"):
            reader(missing, named=True)
    with pytest.raises(ConfigRefusedError, match=r"cannot read .*: Is a directory"):
        load(tmp_path, named=False)


def test_what_is_no_text_or_far_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"[serve]\nport = 1\n# \xff\n")
    with pytest.raises(ConfigRefusedError, match=r"line 3: this is no UTF-8 text"):
        load(path, named=True)
    path.write_text("#" * 1_000_001)
    with pytest.raises(ConfigRefusedError, match="larger than a configuration file can be"):
        load(path, named=True)


def test_the_database_is_found_without_a_look_at_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('database = "~/my.db"\n[serve]\nport = "x"')
    assert load_database(path, named=True) == Path.home() / "my.db"
    path.write_text("\ndatabase = 5")
    with pytest.raises(ConfigRefusedError, match="line 2: database is an absolute path"):
        load_database(path, named=True)


@pytest.mark.parametrize("command", [serve, tui], ids=["serve", "tui"])
def test_every_option_has_its_setting(command: click.Command) -> None:
    fed = {parameter for item in items() for name, parameter in item.feeds if name == command.name}
    assert {each.name for each in command.params} - NOT_IN_THE_FILE == fed


def test_every_action_has_its_setting_and_the_themes_are_those_of_the_console() -> None:
    assert {item.path[1] for item in items() if item.path[0] == "keys"} == {action.id for action in ACTIONS}
    assert ("auto", *LOOKS) == THEMES


def test_every_default_and_example_is_what_its_kind_takes() -> None:
    assert len({item.path for item in items()}) == len(items())
    for item in items():
        item.kind.read(item.example if item.default is None else item.default)
        assert item.help.endswith(".") or item.help.endswith("]")
        assert item.kind.wanted


def test_the_commented_file_has_every_setting_and_once_uncommented_says_what_is_built_in(read: Load) -> None:
    assert read(commented_file()).values == {}
    lines = commented_file().splitlines()
    settings = [line.removeprefix("# ") for line in lines if " = " in line or line.startswith("# [")]
    uncommented = "\n".join(line if line.startswith("[") else f"{line.removeprefix('# ')}" for line in lines
                            if line.startswith("[") or line.removeprefix("# ") in settings)  # fmt: skip
    config = read(uncommented)
    assert {id(find(path)) for path in config.values} == {id(item) for item in items()}
    for path, value in config.said.items():
        item = find(path)
        assert item is not None
        assert value == (item.example if item.default is None else item.default)
    assert any(ANY_MOUNT in item.path for item in items())


def test_the_manual_names_every_setting_and_its_example_is_right(read: Load) -> None:
    manual = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_0-9]+)`", manual))
    assert {item.path[-1] for item in items() if item.path[0] != "keys"} <= named
    assert {name for name in NAMED if len(name) > 3} <= named
    (example,) = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    assert read(example).keys == {"pause": ("P",), "help": ("f5", "?")}
