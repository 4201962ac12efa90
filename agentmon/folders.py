"""The user's own folders; a process whose user has no entry in passwd, and no HOME, has none."""

import os
from collections.abc import Callable
from pathlib import Path

from store.errors import AgentmonError

NO_HOME = "this user has no home directory"


def config_folder() -> Path | None:
    """Return where the user's configuration is, None without a home."""
    from platformdirs import user_config_path

    return _folder(user_config_path)


def data_folder() -> Path | None:
    """Return where the user's data is, None without a home."""
    from platformdirs import user_data_path

    return _folder(user_data_path)


def state_folder() -> Path | None:
    """Return where programs keep how they were left, None without a home."""
    from platformdirs import user_state_path

    return _folder(user_state_path)


def expanded(path: Path) -> Path:
    """Return a path with the home in the place of its `~`; raises `AgentmonError` if there is none."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise AgentmonError(f"{NO_HOME}: {path} leads nowhere") from error


def is_there(path: Path) -> bool:
    """Return whether anything lies at a path; also False where this user may not look."""
    return os.path.lexists(path)


def _folder(find: Callable[..., Path]) -> Path | None:
    try:
        found = find("agentmon", appauthor=False)
    except (KeyError, RuntimeError):
        return None
    return found if found.is_absolute() else None
