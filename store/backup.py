"""A consistent copy of a database, also while a receiver writes it."""

import os
import sqlite3
from pathlib import Path

from store.copying import copy_database
from store.errors import AgentmonError
from store.files import require_replaceable
from store.location import beside, identity, real_path
from store.schema import companions, inspect_database, open_to_read
from store.text import safe_text

NEEDED = ("-wal", "-shm", "-journal", ".lock")
"""What the names of the files without which a database is damaged end with."""

OWN = (*NEEDED, ".sock", ".log")
"""And those of all others beside the one that is copied."""


def back_up(database: Path, destination: Path, *, overwrite: bool = False) -> int:
    """Copy `database` to `destination` with mode 0600 and return its size in bytes.

    The copy is of one moment, and takes its name only when it is complete and synced. Raises `AgentmonError` if the
    destination exists and is not to be overwritten, is anything but a regular file, is a database in use or a file of
    one, or cannot be written; and `DatabaseRefusedError` if there is no agentmon database to copy.
    """
    inspect_database(database)
    shown = safe_text(str(destination))
    try:
        require_replaceable(destination)
        _require_apart(database, destination)
        if os.path.lexists(destination) and not overwrite:
            raise AgentmonError(f"{shown} exists: choose another name, or overwrite it with --force")
        source = open_to_read(database)
        try:
            copy_database(source, destination)
        finally:
            source.close()
        return destination.stat().st_size
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AgentmonError(f"cannot write {shown}: {reason}") from error


def _require_apart(database: Path, destination: Path) -> None:
    """Raise `AgentmonError` where a copy would harm a database: this one or another, by whatever name it is known."""
    shown = safe_text(str(destination))
    own = {real_path(database), *(beside(database, suffix) for suffix in OWN)}
    known = {identity(file) for file in own} - {None}
    if real_path(destination) in own or identity(destination) in known:
        raise AgentmonError(f"{shown} is in use: it is the database itself, or a file of it: choose another name")
    name = destination.name
    if any(name.endswith(suffix) and _has_database(destination, suffix) for suffix in NEEDED):
        raise AgentmonError(f"{shown} belongs to a database: choose another name")
    if any(companion.exists() for companion in companions(destination)):
        # Its log would be replayed into the copy and ruin it.
        raise AgentmonError(f"{shown} is a database in use: choose another name")


def _has_database(destination: Path, suffix: str) -> bool:
    return destination.with_name(destination.name.removesuffix(suffix) or ".").is_file()
