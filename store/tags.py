"""Tags and notes: what people write on monitors to find and group them, and what will do as one. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store.errors import ChangeRefusedError
from store.text import UNSAFE_CATEGORIES, safe_text

MAX_TAG = 32
MAX_TAGS = 16
"""Of one monitor."""

MAX_NOTE = 1000
_PUNCTUATION = "-_.:"


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be changed of a monitor; None and empty leave things as they are.

    `tags` are all that it is to have, `add_tags` and `drop_tags` change those that it has by then. A note
    of "" removes it.
    """

    new_name: str | None = None
    tags: Sequence[str] | None = None
    note: str | None = None
    add_tags: Sequence[str] = ()
    drop_tags: Sequence[str] = ()


def tag_of(text: str) -> str:
    """Return what was typed as the tag that is stored: in small letters, so that Web and web are one tag."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())


def tag_problem(text: str) -> str | None:
    """Return what is wrong with a text as a tag, or None if it will do."""
    tag = tag_of(text)
    if not tag:
        return "a tag needs at least one character"
    if len(tag) > MAX_TAG:
        return f"a tag has at most {MAX_TAG} characters, {safe_text(tag, 12)} has {len(tag)}"
    if not all(char.isalnum() or char in _PUNCTUATION for char in tag):
        return f"{safe_text(tag)} is no tag: use letters, digits and - _ . : only"
    return None


def split_tags(text: str) -> list[str]:
    """Return the tags in a line that separates them by spaces or commas, each once."""
    return list(dict.fromkeys(tag_of(part) for part in re.split(r"[\s,]+", text) if part))


def tags_problem(tags: Sequence[str]) -> str | None:
    """Return what is wrong with these as all tags of a monitor, or None if they will do."""
    if problem := next(filter(None, map(tag_problem, tags)), None):
        return problem
    count = len(set(map(tag_of, tags)))
    return f"a monitor has at most {MAX_TAGS} tags, these are {count}" if count > MAX_TAGS else None


def note_problem(note: str) -> str | None:
    """Return what is wrong with a text as a note, or None if it will do."""
    if len(note) > MAX_NOTE:
        return f"a note has at most {MAX_NOTE} characters, this one has {len(note)}"
    if any(unicodedata.category(char) in UNSAFE_CATEGORIES for char in note):
        return "a note is one line without control, format or separator characters"
    return None


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return tags as they are stored, each once, in their order; raises `ChangeRefusedError` if they will not do."""
    if problem := tags_problem(tags):
        raise ChangeRefusedError(problem)
    return tuple(dict.fromkeys(map(tag_of, tags)))


def checked_note(note: str) -> str:
    """Return a note as it is stored; raises `ChangeRefusedError` if it will not do."""
    if problem := note_problem(note.strip()):
        raise ChangeRefusedError(problem)
    return note.strip()


def edited_tags(before: Sequence[str], edit: Edit) -> tuple[str, ...]:
    """Return a monitor's tags after an edit; what is dropped and added goes to the end."""
    dropped = set(map(tag_of, edit.drop_tags))
    kept = [tag for tag in (before if edit.tags is None else edit.tags) if tag_of(tag) not in dropped]
    return checked_tags((*kept, *edit.add_tags))


def has_tags(tags: Iterable[str], wanted: Iterable[str]) -> bool:
    """Return whether all tags that are wanted are among a monitor's."""
    return {tag_of(tag) for tag in wanted} <= set(tags)
