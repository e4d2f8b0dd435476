"""The textbook queue against its own balance equations, and against rates others published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.serving.queue import Stations, attainment, largest_rate, predict
from tests.serving.draws import stations

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "llm-inferno"
"""Inputs and results of the planner ``llm-inferno/optimizer``, where they were put beside us."""

Float = NDArray[np.float64]


def service(s: Stations, k: int, n: Float | float) -> Float:
    """S(n) as the issue states it."""
    steps = s.output_tokens[k] - 1
    prefill = s.prefill_base_ms[k] + s.prefill_per_token_ms[k] * s.input_tokens[k] * n
    return np.asarray(prefill + steps * (s.decode_base_ms[k] + s.decode_per_seq_ms[k] * n))


def balance(s: Stations, k: int, per_second: float) -> Float:
    """Probabilities of the states, by solving pi Q = 0 with a dense generator."""
    places, room = int(s.max_batch[k]), int(s.max_queue[k])
    size = places + room + 1
    generator = np.zeros((size, size))
    for n in range(size):
        if n + 1 < size:
            generator[n, n + 1] = per_second / 1e3
        if n > 0:
            served = min(n, places)
            generator[n, n - 1] = served / service(s, k, served)
    generator -= np.diag(generator.sum(axis=1))
    system = np.vstack([generator.T / np.abs(generator).max(), np.ones(size)])
    answer: Float = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]
    return answer


@pytest.mark.parametrize("room", [0, 1, 7, 40])
@pytest.mark.parametrize("load", [0.3, 0.9, 1.0, 1.4])
def test_against_balance_equations(room: int, load: float) -> None:
    s = stations(room, 12, together=True, room=room)
    keep = s.max_batch <= 48
    rate = load * s.saturation
    seen = predict(s, rate, 90.0)
    for k in np.flatnonzero(keep):
        p = balance(s, k, rate[k])
        places, n = int(s.max_batch[k]), np.arange(len(p))
        lost = p[-1]
        through = rate[k] / 1e3 * (1 - lost)
        queue = float(np.maximum(n - places, 0) @ p)
        served = float(np.minimum(n, places) @ p)
        assert seen.lost[k] == pytest.approx(lost, rel=1e-6, abs=1e-12)
        assert seen.wait_ms[k] == pytest.approx(queue / through, rel=1e-6, abs=1e-6)
        assert seen.running[k] == pytest.approx(served, rel=1e-6)
        # The concurrency at which service takes what it takes on average, by bisection.
        low, high = 0.0, float(places)
        for _ in range(100):
            middle = 0.5 * (low + high)
            low, high = (
                (middle, high) if service(s, k, middle) < served / through else (low, middle)
            )
        step = s.decode_base_ms[k] + s.decode_per_seq_ms[k] * high
        assert seen.tpot_ms[k] == pytest.approx(step, rel=1e-6)
        prefill = s.prefill_base_ms[k] + s.prefill_per_token_ms[k] * s.input_tokens[k] * high
        assert seen.ttft_ms[k] - seen.wait_ms[k] == pytest.approx(prefill, rel=1e-5)
        # Percentile of the step: of those in service, at most a tenth are with more.
        if s.decode_per_seq_ms[k] == 0:
            assert seen.tpot_percentile_ms[k] == s.decode_base_ms[k]
            continue
        longer = seen.tpot_percentile_ms[k] - s.decode_base_ms[k]
        most = round(longer / s.decode_per_seq_ms[k])
        with_others = np.minimum(n, places)
        weight = with_others * p / served
        assert weight[with_others > most].sum() <= 0.1 + 1e-9
        assert most == 1 or weight[with_others > most - 1].sum() > 0.1 - 1e-9


def test_waits_of_a_queue_with_a_limit_by_simulation() -> None:
    """Percentile of the wait, of many arrivals of the chain."""
    s = stations(5, 6, together=True, room=9)
    rate = 0.9 * s.saturation
    seen = predict(s, rate, 90.0)
    rng = np.random.default_rng(3)
    for k in range(len(s)):
        if s.max_batch[k] > 48:
            continue
        p = balance(s, k, rate[k])
        found = rng.choice(len(p) - 1, 400_000, p=p[:-1] / p[:-1].sum())
        behind = found - int(s.max_batch[k]) + 1
        leave = service(s, k, s.max_batch[k]) / s.max_batch[k]
        wait = np.where(behind > 0, rng.gamma(np.maximum(behind, 1), leave), 0.0)
        served = seen.ttft_ms[k] - seen.wait_ms[k]
        assert wait.mean() == pytest.approx(seen.wait_ms[k], rel=0.02)
        late = np.percentile(wait, 90)
        assert late + served == pytest.approx(seen.ttft_percentile_ms[k], rel=0.03)
        kept = attainment(s, rate, seen.ttft_percentile_ms, np.nan)[k] / (1 - seen.lost[k])
        assert kept == pytest.approx(0.9, abs=1e-4) or late == 0.0


def published(size: str) -> tuple[Stations, Float, Float, Float]:
    """Stations, TTFT and TPOT promised, and the published requests per minute."""

    def table(name: str) -> dict[str, list[dict[str, object]]]:
        return json.loads((FOLDER / size / f"{name}-data.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    models = {(m["name"], m["acc"]): m for m in table("model")["models"]}
    promises = {
        (c["name"], t["model"]): t
        for c in table("serviceclass")["serviceClasses"]
        for t in c["modelTargets"]
    }
    found = json.loads((FOLDER / f"candidates_{size}.json").read_text(encoding="utf-8"))["servers"]
    rows, slo, rates = [], [], []
    for server in table("server")["servers"]:
        load = {key.lower(): value for key, value in server["currentAlloc"]["load"].items()}
        inputs, outputs = load["avgintokens"], load["avgouttokens"]
        promise = promises[server["class"], server["model"]]
        for chip, candidate in found[server["name"]]["cand"].items():
            model = models[server["model"], chip]
            decode, prefill = model["decodeParms"], model["prefillParms"]
            most = max(model["maxBatchSize"] * model["atTokens"] // outputs, 1)
            rows.append(
                (
                    decode["alpha"], decode["beta"], prefill["gamma"], prefill["delta"], most,
                    inputs, outputs, 1, 1, 1, 10 * most, 1,
                )
            )  # fmt: skip
            slo.append((promise.get("slo-ttft") or np.nan, promise.get("slo-itl") or np.nan))
            rates.append(candidate["maxRPM"])
    ttft, tpot = np.array(slo, float).T
    return Stations(*np.array(rows, float).T), ttft, tpot, np.array(rates)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"published rates are not beside us: {FOLDER}")
@pytest.mark.parametrize(("size", "count"), [("small", 57), ("large", 495)])
def test_published_rates(size: str, count: int) -> None:
    """The rates are throughputs, computed in float32; ours agree to 1e-5.

    Where a promise is broken by a request alone, the peer gives a rate near the lower end of its
    search, a thousandth of what a single place serves; we say that there is none.
    """
    s, ttft, tpot, published_rates = published(size)
    assert len(s) == count
    largest = largest_rate(s, ttft, tpot, highest_utilisation=0.999)
    none = largest.binding == "none possible"
    found = 60 * largest.served_per_second
    np.testing.assert_allclose(found[~none], published_rates[~none], rtol=1e-5)
    single = np.array([60e3 / service(s, k, 1.0) for k in range(len(s))])
    assert (published_rates[none] < 1e-2 * single[none]).all()
    assert none.sum() <= 0.06 * count
    assert {"ttft", "tpot"} <= set(largest.binding)
