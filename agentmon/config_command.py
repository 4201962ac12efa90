"""`agentmon config …`: what holds and where each value comes from, and a commented file to begin with."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from agentmon.options import NamedOption, common_options, config_path, configuration, found_database, option

if TYPE_CHECKING:
    from agentmon.config import Config
    from agentmon.config_items import Item

VALUE_CELLS = 24


@click.group()
@common_options
def config() -> None:
    """Show the effective settings, or write a file to change them in."""


@config.command()
@common_options
@option("--json", "as_json", is_flag=True, help="One object with the file and the settings.")
def show(as_json: bool) -> None:
    """Show every setting: its value, and whether the environment, the file or nobody sets it.

    Options of a command line go before all of these. Limits that were set in the console are not among them:
    see `agentmon monitor defaults`.
    """
    from agentmon.output import print_json, say

    read = configuration()
    found = list(_effective(read))
    if as_json:
        file = str(read.path) if read.found else None
        print_json({"file": file, "settings": [asdict(each) for each in found]})
        return
    say(f"# {read.path or 'no configuration file'}" + ("" if read.found or not read.path else " (not there)"))
    names = max(len(each.title) for each in found)
    for each in found:
        say(f"{each.title:<{names}}  {each.shown:<{VALUE_CELLS}}  {each.where}")


@config.command()
@common_options
@option("--force", is_flag=True, allow_from_autoenv=False, help="Replace a file that is there.")
def init(force: bool) -> None:
    """Write a file with every setting, its default and what it does, all commented out."""
    from agentmon.config_text import commented_file
    from agentmon.folders import NO_HOME
    from agentmon.output import say
    from store.files import ensure_private_folder, replace_file

    path, _ = config_path()
    if path is None:
        raise click.ClickException(f"{NO_HOME}: name the file with --config")
    if os.path.lexists(path) and not force:
        raise click.ClickException(f"{path} is there already; --force replaces it")
    try:
        ensure_private_folder(path.parent)
        replace_file(path, commented_file())
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error
    say(str(path))


ENVIRONMENT, FILE, BUILT_IN, COMMAND_LINE = "environment", "file", "built in", "command line"


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds for a setting, as TOML has it, and its source with the variable's name or the line.

    `command` is the one that it holds for if another has something else.
    """

    name: str
    value: Any
    source: str
    command: str | None = None
    variable: str | None = None
    line: int | None = None

    @property
    def title(self) -> str:
        """The name, with the command where that matters."""
        return f"{self.name} ({self.command})" if self.command else self.name

    @property
    def shown(self) -> str:
        """The value as the file would have it; a dash for none."""
        from agentmon.config_text import toml

        return "-" if self.value is None else toml(self.value)

    @property
    def where(self) -> str:
        """The source in words."""
        return self.variable or (f"line {self.line}" if self.line else self.source)


def _effective(read: "Config") -> Iterator[Effective]:
    from agentmon.config_items import ANY_MOUNT, items
    from agentmon.config_text import name_of

    contexts = _contexts()
    for item in items():
        if item.path == ("database",):
            yield _database(read, item)
        elif ANY_MOUNT not in item.path:
            yield from _of_item(read, item, contexts)
    for path in read.values:
        if len(path) == 4:
            yield Effective(name_of(path), read.said[path], FILE, line=read.lines[path])


def _contexts() -> dict[str, click.Context]:
    """Return how the commands that are fed would start without options, so that click says what comes from where."""
    from agentmon.serve import serve, tui

    root = click.get_current_context().find_root()
    return {name: command.make_context(name, [], parent=root) for name, command in (("serve", serve), ("tui", tui))}


def _of_item(read: "Config", item: "Item", contexts: dict[str, click.Context]) -> Iterator[Effective]:
    """Yield what holds for a setting: once, unless the environment tells commands apart."""
    told = [
        Effective(item.name, _told(item, context, parameter), ENVIRONMENT, command, _variable(context, parameter))
        for command, parameter in item.feeds
        if (context := contexts[command]).get_parameter_source(parameter) is ParameterSource.ENVIRONMENT
    ]
    if len(item.feeds) == 1:
        told = [replace(each, command=None) for each in told]
    yield from told
    untold = [command for command, _ in item.feeds if command not in {each.command for each in told}]
    if not told:
        yield _from_file(read, item)
    elif len(item.feeds) > 1:
        yield from (replace(_from_file(read, item), command=command) for command in untold)


def _told(item: "Item", context: click.Context, parameter: str) -> Any:
    from agentmon.config_kinds import Span

    if isinstance(item.kind, Span):
        return os.environ[_variable(context, parameter) or ""]
    value = context.params[parameter]
    return not value if item.inverted else value


def _variable(context: click.Context, parameter: str) -> str | None:
    option_ = next(each for each in context.command.params if each.name == parameter)
    return option_.variable(context) if isinstance(option_, NamedOption) else None


def _from_file(read: "Config", item: "Item") -> Effective:
    if item.path in read.values:
        return Effective(item.name, read.said[item.path], FILE, line=read.lines[item.path])
    return Effective(item.name, item.default, BUILT_IN)


def _database(read: "Config", item: "Item") -> Effective:
    path = _found_database()
    if "agentmon.db" in click.get_current_context().find_root().meta:
        return Effective(item.name, path, COMMAND_LINE)
    if os.environ.get("AGENTMON_DB"):
        return Effective(item.name, path, ENVIRONMENT, variable="AGENTMON_DB")
    found = _from_file(read, item)
    return found if found.line else Effective(item.name, path, BUILT_IN)


def _found_database() -> str | None:
    from store.errors import DatabaseRefusedError

    try:
        return str(found_database())
    except DatabaseRefusedError:  # there is no home for one
        return None
