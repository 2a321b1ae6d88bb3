import pytest

from coactive.clock import Clock
from coactive.timeout import Timeouts


def test_a_clock_without_time_left_lets_nothing_begin() -> None:
    with pytest.raises(TimeoutError, match="the total time is over"):
        Clock(Timeouts(total=1e-9)).within(1)


def test_a_clock_gives_a_step_its_limit_or_what_is_left_of_the_total() -> None:
    clock = Clock(Timeouts(total=100))
    assert clock.within(3) == 3
    assert clock.within(None) == pytest.approx(100, abs=20)
    assert clock.share(2) == pytest.approx(50, abs=10)
    clock.lift_total()
    assert (clock.left, clock.within(None)) == (None, None)


def test_a_clock_without_a_total_has_no_end() -> None:
    clock = Clock(Timeouts(total=None))
    assert (clock.within(3), clock.within(None), clock.share(2), clock.left) == (3, None, None, None)
