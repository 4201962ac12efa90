"""Agent keys: making new ones and judging given ones."""

import re
import secrets
import string

ALPHABET = string.ascii_letters + string.digits
KEY_PATTERN = re.compile(r"[!-~]{1,128}")
"""1 to 128 printable ASCII characters without the space."""

_OURS = re.compile(r"amk_[0-9A-Za-z]{40}")


def new_key() -> str:
    """Return a new agent key: `amk_` and 40 random base62 characters, 238 bits."""
    return "amk_" + "".join(secrets.choice(ALPHABET) for _ in range(40))


def without_keys(text: str) -> str:
    """Return a text with the keys that agentmon generated masked: of others nobody can tell that they are keys."""
    return _OURS.sub("amk_****", text)


def key_problem(agent_key: str) -> str | None:
    """Return what is wrong with a given key, without repeating it; None if it will do."""
    if KEY_PATTERN.fullmatch(agent_key):
        return None
    return "an agent key has 1 to 128 printable ASCII characters and no spaces"
