import pytest

from coactive.clock import Clock
from coactive.timeout import Timeouts


def test_a_clock_without_time_left_lets_nothing_begin() -> None:
    with pytest.raises(TimeoutError, match="the total time is over"):
        Clock(Timeouts(total=1e-9)).within(1)


@pytest.mark.parametrize("total", [None, 100])
def test_a_clock_gives_a_step_its_limit_or_what_is_left(total: float | None) -> None:
    clock = Clock(Timeouts(total=total))
    assert clock.within(3) == 3
    assert (
        (clock.within(None), clock.share(2)) == (None, None)
        if total is None
        else (
            pytest.approx(100, abs=20),
            pytest.approx(50, abs=10),
        )
    )
    clock.lift_total()
    assert (clock.left, clock.within(None)) == (None, None)
