"""Results in the order of the items, from processes of their own; what goes wrong there is said here."""

import os
import time
from collections.abc import Iterator

import pytest

from keras_bert.errors import InputError
from keras_bert.serving.in_processes import in_processes

pytestmark = pytest.mark.slow


def square_slowly(number: int) -> tuple[int, int]:
    """The first items take longest."""
    time.sleep(0.05 * (5 - number % 5))
    return number * number, os.getpid()


def end(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


def refuse(number: int) -> int:
    raise InputError(f"row {number}: no")


def counted(count: int, taken: list[int]) -> Iterator[int]:
    for number in range(count):
        taken.append(number)
        yield number


def test_results_come_in_order_and_from_other_processes():
    results = list(in_processes(square_slowly, range(12), processes=3))
    assert [result for result, _ in results] == [number * number for number in range(12)]
    assert 1 < len({process for _, process in results} - {os.getpid()}) <= 3


def test_items_are_read_as_they_are_needed():
    taken: list[int] = []
    results = in_processes(square_slowly, counted(100, taken), processes=2)
    next(results)
    assert len(taken) <= 5
    results.close()


def test_a_process_that_ends_is_said():
    with pytest.raises(InputError, match="one of the processes has gone"):
        list(in_processes(end, range(10), processes=2))


def test_an_error_of_the_user_is_passed_on():
    with pytest.raises(InputError, match="row 0: no"):
        list(in_processes(refuse, range(10), processes=2))


def test_processes_have_their_share_of_the_threads():
    (threads,) = in_processes(os.getenv, ["TF_NUM_INTRAOP_THREADS"], processes=2)
    assert int(threads) == max(1, len(os.sched_getaffinity(0)) // 2)
