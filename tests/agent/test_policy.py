"""What follows a call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy import FIRST_RETRY_S, LONGEST_ASKED_S, REPEAT_AFTER_S, Course, after, wait_s
from agent.send import Answer, Outcome

SETTLED = [Answer.ACCEPTED, Answer.UNKNOWN_KEY, Answer.REFUSED]
AWAY = [Answer.UNREACHABLE, Answer.UNEXPECTED, Answer.LATER]
chances = st.floats(0, 1, exclude_max=True)


def outcome(answer: Answer, retry_after_s: float | None = None) -> Outcome:
    return Outcome(answer, answer.value, retry_after_s)


@pytest.mark.parametrize("answer", SETTLED)
def test_an_answer_that_repeating_cannot_change_waits_for_the_interval(answer: Answer) -> None:
    assert wait_s(outcome(answer), 1, 60, 2.5, 0.3) == 57.5


def test_a_slow_call_does_not_make_reports_pile_up() -> None:
    assert wait_s(outcome(Answer.ACCEPTED), 0, 60, 200, 0) == 1


@pytest.mark.parametrize("answer", AWAY)
def test_a_receiver_that_is_away_is_tried_sooner_then_ever_later_up_to_the_interval(answer: Answer) -> None:
    waits = [wait_s(outcome(answer), failures, 60, 1, 1.0) for failures in range(1, 8)]
    assert waits == [5, 10, 20, 40, 60, 60, 60]


@given(st.sampled_from(AWAY), st.integers(1, 10_000), st.floats(1, 86_400), chances)
def test_retries_are_jittered_and_never_wait_longer_than_the_interval(
    answer: Answer, failures: int, interval_s: float, chance: float
) -> None:
    wait = wait_s(outcome(answer), failures, interval_s, 0, chance)
    assert min(FIRST_RETRY_S, interval_s) / 2 <= wait <= interval_s


@given(st.floats(0, 1e9), st.integers(1, 99), chances)
def test_retry_after_is_heeded_but_not_for_days(asked: float, failures: int, chance: float) -> None:
    wait = wait_s(outcome(Answer.LATER, asked), failures, 60, 0, chance)
    assert min(asked, LONGEST_ASKED_S) <= wait <= min(max(asked, 1), LONGEST_ASKED_S) + FIRST_RETRY_S
    assert wait >= 1


def test_news_is_said_once_and_so_is_the_end_of_a_trouble() -> None:
    course, said = Course(), []
    answers = [Answer.ACCEPTED] * 2 + [Answer.UNREACHABLE] * 3 + [Answer.UNKNOWN_KEY] * 2 + [Answer.ACCEPTED] * 2
    for minute, answer in enumerate(answers):
        course, line = after(course, outcome(answer), minute * 60.0)
        said.append(line)
    assert said == ["accepted", None, "unreachable", None, None, "unknown key", None, "accepted", None]


def test_failures_in_a_row_are_counted() -> None:
    course = Course()
    for answer, failures in [(Answer.LATER, 1), (Answer.REFUSED, 2), (Answer.ACCEPTED, 0), (Answer.LATER, 1)]:
        course, _ = after(course, outcome(answer), 0)
        assert course.failures == failures


def test_a_trouble_that_lasts_is_said_again_but_a_quiet_run_is_not() -> None:
    for answer, repeated in [(Answer.REFUSED, "refused"), (Answer.ACCEPTED, None)]:
        course, _ = after(Course(), outcome(answer), 10)
        assert after(course, outcome(answer), 10 + REPEAT_AFTER_S)[1] == repeated
