"""What the receiver holds at once: connections as there are files, and large bodies only while there is room."""

import resource
from collections.abc import Iterator

import pytest

from server.capacity import MAX_GATHERED, SMALL_BODY, Gathering, claim_files


class Limits:
    """Stands in for the process's limit of open files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> None:
        self.now = (soft, hard)
        monkeypatch.setattr(resource, "getrlimit", lambda _: self.now)
        monkeypatch.setattr(resource, "setrlimit", self._set)

    def _set(self, _: int, limits: tuple[int, int]) -> None:
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "tls", "room", "soft_after"),
    [
        (1024, 524_288, False, 1100, 1356),
        (1024, 524_288, True, 1100, 2456),
        (1024, resource.RLIM_INFINITY, True, 1100, 2456),
        (4096, 4096, True, 1100, 4096),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, True, 1100, resource.RLIM_INFINITY),
        (1024, 1024, False, 768, 1024),
        (1024, 1024, True, 384, 1024),
        (64, 128, False, 64, 128),
        (64, 128, True, 32, 128),
        (1, 1, True, 1, 1),
    ],
)
def test_as_many_connections_are_taken_as_there_are_files_and_some_are_left(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, tls: bool, room: int, soft_after: int
) -> None:
    limits = Limits(monkeypatch, soft, hard)
    assert claim_files(1100, tls=tls) == room
    assert limits.now == (soft_after, hard)


def grown(gathering: Gathering, size: int, step: int = 1024) -> Iterator[bool]:
    for end in range(step, size + 1, step):
        yield gathering.may_grow(end, step)


def test_bodies_grow_large_while_there_is_room_and_small_ones_always() -> None:
    gathering = Gathering(most=100_000)
    assert all(grown(gathering, 90 * 1024))
    large = list(grown(gathering, 90 * 1024))
    assert (all(large[:16]), any(large[16:])) == (True, False)
    assert all(grown(gathering, SMALL_BODY))
    gathering.end(90 * 1024)
    gathering.end(90 * 1024)
    assert all(grown(gathering, 64 * 1024))


def test_what_a_crowd_can_make_the_receiver_hold_is_bounded() -> None:
    assert MAX_GATHERED + 1000 * SMALL_BODY < 50 * 1024 * 1024
