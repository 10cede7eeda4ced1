"""Work in threads: told in order, and nothing that has begun is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cam_core.cli import threads
from cam_core.cli.threads import in_threads


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads, whatever the machine has."""
    monkeypatch.setattr(threads, "cores", lambda: 2)


def test_the_order_is_that_of_the_items() -> None:
    second = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second.wait(60)  # the first is done after the second
        elif item == 1:
            second.set()
        return item * item

    told: list[int] = []
    in_threads(work, range(6), told.append)
    assert told == [0, 1, 4, 9, 16, 25]


def test_few_items_wait() -> None:
    told: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            assert item - len(told) <= min(threads.MOST, 2) + 1
            yield item

    in_threads(lambda item: item, items(), told.append)
    assert told == list(range(20))


def test_a_single_core_works_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cores", lambda: 1)
    told: list[threading.Thread] = []
    in_threads(lambda _: threading.current_thread(), range(3), told.append)
    assert told == [threading.current_thread()] * 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_came_before_an_item_that_fails_is_told(error: type[BaseException]) -> None:
    begun = threading.Semaphore(0)
    told: list[int] = []

    def work(item: int) -> int:
        begun.release()
        return item

    def items() -> Iterator[int]:
        for item in range(2):
            yield item
            assert begun.acquire(timeout=60)
        raise error

    with pytest.raises(error):
        in_threads(work, items(), told.append)
    assert told == [0, 1]


def test_what_comes_after_work_that_fails_does_not_begin() -> None:
    worked: list[int] = []
    told: list[int] = []

    def work(item: int) -> int:
        worked.append(item)
        if item == 1:
            raise ValueError("1")
        return item

    with pytest.raises(ValueError, match="1"):
        in_threads(work, range(100), told.append)
    assert told[0] == 0
    assert 1 not in told
    assert len(worked) < 10


@pytest.mark.parametrize("count", [1, 2])
def test_the_next_is_made_while_one_is_worked_with(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: count)
    begun = [threading.Event() for _ in range(4)]

    def make(item: int) -> int:
        begun[item].set()
        return 10 * item

    found = []
    for one in threads.ahead(make, range(4)):
        following = len(found) + 1
        if following < 4:
            assert begun[following].wait(5 if count > 1 else 0) == (count > 1)
        found.append(one)
    assert found == [0, 10, 20, 30]


@pytest.mark.parametrize("count", [1, 2])
def test_what_comes_before_a_failure_is_handed_out(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: count)
    found: list[float] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(
            one for one in threads.ahead(lambda i: 1 / i, [2, 1, 0, 3]) if keep(found, one)
        )
    assert found == [0.5, 1]


def keep(found: list[float], one: float) -> bool:
    found.append(one)
    return False
