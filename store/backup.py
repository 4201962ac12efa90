"""A consistent copy of a database, also while a receiver writes it."""

import sqlite3
from pathlib import Path

from store.errors import AgentmonError
from store.files import create_private_file, sync
from store.schema import companions, inspect_database, uri
from store.text import safe_text


def back_up(database: Path, destination: Path, *, overwrite: bool = False) -> int:
    """Copy `database` to `destination` with mode 0600 and return its size in bytes.

    The copy is of one moment, and takes its name only when it is complete and synced. Raises `AgentmonError` if the
    destination exists and is not to be overwritten, is a database in use, or cannot be written; and
    `DatabaseRefusedError` if there is no agentmon database to copy.
    """
    inspect_database(database)
    shown = safe_text(str(destination))
    if destination.exists() and not overwrite:
        raise AgentmonError(f"{shown} exists: choose another name, or overwrite it with --force")
    if any(companion.exists() for companion in companions(destination)):
        # Its log would be replayed into the copy and ruin it.
        raise AgentmonError(f"{shown} is a database in use: choose another name")
    partial = destination.with_name(destination.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        create_private_file(partial)
        _copy(database, partial)
        sync(partial)
        partial.replace(destination)
        sync(destination.parent)
        return destination.stat().st_size
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else error
        raise AgentmonError(f"cannot write {shown}: {reason}") from error


def _copy(database: Path, partial: Path) -> None:
    source = sqlite3.connect(uri(database, "ro"), uri=True)
    target = sqlite3.connect(uri(partial, "rw"), uri=True)
    try:
        # In one step: a copy in several would begin anew whenever the receiver writes between them.
        source.backup(target)
    finally:
        target.close()
        source.close()
