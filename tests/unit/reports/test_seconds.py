"""Every second is in a phase."""

from __future__ import annotations

import time

import pytest

import optimizer
from optimizer.instance.generate import generate


@pytest.fixture(scope="module")
def result() -> optimizer.Result:
    return optimizer.solve(generate(workloads=4, pools=3, periods=2, seed=1))


def phases(seconds: object) -> float:
    """Sum of all but the total."""
    return sum(value for name, value in vars(seconds).items() if name != "total")


def test_phases_add_up_to_the_wall_clock() -> None:
    instance = generate(workloads=4, pools=3, periods=2, seed=1)
    begun = time.monotonic()
    seconds = optimizer.solve(instance).seconds
    took = time.monotonic() - begun
    assert seconds.total == pytest.approx(phases(seconds))
    assert seconds.total <= took
    assert min(seconds.build, seconds.solve, seconds.evaluate, seconds.prices) > 0


def test_what_is_in_no_phase_is_other(result: optimizer.Result) -> None:
    begun = time.monotonic() - 1000.0
    timed = result.timed(read=300.0).since(begun)
    assert timed.seconds.total == pytest.approx(1000.0, abs=60.0)
    assert timed.seconds.read == 300.0
    again = timed.timed(write=100.0).since(begun)
    assert again.seconds.total == pytest.approx(1000.0, abs=60.0)
    assert again.seconds.other == pytest.approx(timed.seconds.other - 100.0, abs=60.0)


def test_memory_is_looked_up_again(result: optimizer.Result) -> None:
    ballast = bytearray(300 * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    later = result.timed(write=1.0)
    assert later.peak_rss_mib >= result.peak_rss_mib
    assert later.peak_rss_mib > 300
