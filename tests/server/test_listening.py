"""Only time in which the receiver could hear counts as silence."""

from server.listening import ListeningClock


def test_it_counts_while_it_is_driven() -> None:
    now = [100.0]
    clock = ListeningClock(3.0, lambda: now[0])
    for _ in range(10):
        now[0] += 1.0
        clock.tick()
    now[0] += 0.5
    assert clock.now() == 10.5


def test_a_stall_is_credited_up_to_the_patience_alone() -> None:
    now = [0.0]
    clock = ListeningClock(3.0, lambda: now[0])
    now[0] += 3600
    assert clock.now() == 3
    clock.tick()
    now[0] += 1
    assert clock.now() == 4


def test_it_stands_still_while_nobody_could_be_heard() -> None:
    now = [0.0]
    clock = ListeningClock(3.0, lambda: now[0])
    for runs in (True, False, False, True, True):
        now[0] += 1
        clock.tick(runs=runs)
    assert clock.now() == 3
    now[0] += 0.5
    assert clock.now() == 3.5
