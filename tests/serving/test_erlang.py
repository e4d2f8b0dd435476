"""Where every request is served at one rate, the queue is Erlang's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optimizer.serving.queue import Stations, attainment, predict


def erlang_b(places: int, erlangs: float) -> float:
    """P(all places taken) without room to wait: by the definition, terms added up."""
    terms = [erlangs**n / math.factorial(n) for n in range(places + 1)]
    return terms[-1] / sum(terms)


def erlang_c(places: int, erlangs: float) -> float:
    """P(wait) with endless room (Kleinrock, Queueing Systems I, 3.5)."""
    last = erlangs**places / math.factorial(places) * places / (places - erlangs)
    return last / (sum(erlangs**n / math.factorial(n) for n in range(places)) + last)


def plain(places: int, room: float, together: bool, steps: float = 1000.0) -> Stations:
    """No prefill, a step of 1 ms whoever runs, exponential-like lengths of 1 s."""
    one, zero = np.array([1.0]), np.array([0.0])
    return Stations(
        one, zero, zero, zero, one * places, zero, one * (steps + 1), zero, one, one, one * room,
        one * together,
    )  # fmt: skip


def test_known_values() -> None:
    """Of published tables: 10 erlangs on 10 and 15 lines lose 0.2146 and 0.0365; of 8 erlangs on
    10 places 0.4092 wait."""
    assert erlang_b(10, 10.0) == pytest.approx(0.2146, abs=5e-5)
    assert erlang_b(15, 10.0) == pytest.approx(0.0365, abs=5e-5)
    assert erlang_c(10, 8.0) == pytest.approx(0.4092, abs=5e-5)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("places", [1, 2, 5, 10, 40])
@pytest.mark.parametrize("load", [0.1, 0.5, 0.9, 0.97])
def test_erlang_c(places: int, load: float, together: bool) -> None:
    station = plain(places, math.inf, together)
    wait = 1e3 * erlang_c(places, load * places) / (places * (1 - load))
    seen = predict(station, load * places)
    assert seen.wait_ms[0] == pytest.approx(wait, rel=1e-9)
    assert seen.utilisation[0] == pytest.approx(load, rel=1e-12)
    assert seen.running[0] == pytest.approx(load * places, rel=1e-9)
    assert seen.tpot_ms[0] == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("places", "erlangs"), [(1, 0.5), (3, 2.0), (10, 10.0), (10, 30.0)])
def test_erlang_b(places: int, erlangs: float, together: bool) -> None:
    seen = predict(plain(places, 0.0, together), erlangs)
    assert seen.lost[0] == pytest.approx(erlang_b(places, erlangs), rel=1e-9)
    assert seen.wait_ms[0] == 0.0


@pytest.mark.parametrize(("places", "load"), [(1, 0.5), (1, 0.9), (4, 0.8)])
def test_the_wait_of_the_textbook_queue_is_exponential(places: int, load: float) -> None:
    """P(wait > t) = C exp(-(m mu - lambda) t), so that its percentiles are known."""
    station = plain(places, math.inf, together=True)
    waits = erlang_c(places, load * places)
    for percentile in (80.0, 95.0, 99.0):
        seen = predict(station, load * places, percentile)
        late = math.log(waits / (1 - percentile / 100)) / (places * (1 - load)) * 1e3
        assert seen.ttft_percentile_ms[0] == pytest.approx(max(late, 0.0), rel=1e-5, abs=1e-9)
        kept = attainment(station, load * places, max(late, 0.0), np.nan)[0]
        assert kept == pytest.approx(max(percentile / 100, 1 - waits), rel=1e-5)


@pytest.mark.parametrize("load", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0, 1.5])
def test_one_place_is_the_formula_of_pollaczek_and_khinchine(load: float, cv: float) -> None:
    """With prefill: lambda E[S^2] / (2 (1 - rho)), S = base + prefill + steps, independent."""
    one = np.ones(1)
    station = Stations(
        2 * one, 0.5 * one, 7 * one, 0.25 * one, one, 200 * one, 51 * one, 0.8 * one, cv * one,
        one, math.inf * one, 0 * one,
    )  # fmt: skip
    mean = 7 + 50 + 50 * 2.5
    square = mean**2 + (50 * 0.8) ** 2 + (125 * cv) ** 2
    rate = load / mean
    seen = predict(station, 1e3 * rate)
    assert seen.wait_ms[0] == pytest.approx(rate * square / (2 * (1 - load)), rel=1e-9)
    assert seen.ttft_ms[0] == pytest.approx(seen.wait_ms[0] + 57, rel=1e-9)
    assert seen.tpot_ms[0] == pytest.approx(2.5, rel=1e-9)
