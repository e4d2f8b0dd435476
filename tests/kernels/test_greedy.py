"""The greedy fill."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from optimizer.kernels.greedy import fill_by_regret
from tests.kernels import naive

ORDER = (
    "turn", "first_route", "pool", "lane", "hours", "held", "usd", "otherwise", "speck",
    "remaining", "room", "steady", "watts", "power", "hold", "work", "lost", "before", "most",
    "running", "spare", "placed", "by_regret",
)  # fmt: skip
INF = float("inf")
EXAMPLES = 400


def drawn(seed: int, *, by_regret: bool = True) -> dict[str, Any]:
    """A period of thirds and small whole numbers, so that costs tie and room is passed."""
    dice = np.random.default_rng(seed)
    workloads, pools = int(dice.integers(1, 6)), int(dice.integers(1, 4))
    limits, models = int(dice.integers(0, 3)), int(dice.integers(0, 3))
    routes = [(w, p) for w in range(workloads) for p in range(pools) if dice.random() < 0.8]
    pairs = [(m, p) for m in range(models) for p in range(pools)]
    lanes, size = len(pairs), len(routes)
    lane = [
        pairs.index((w % models, p)) if models and dice.random() < 0.7 else -1 for w, p in routes
    ]

    def thirds(low: int, high: int, *shape: int) -> np.ndarray:
        return dice.integers(low, high, shape) / 3

    hold = thirds(1, 9, lanes)
    work = hold * dice.choice([1.0, 0.9, 0.5], lanes)
    before = dice.choice([INF, 0.0, 1.0, 2.0, 3.0], lanes)
    hours = thirds(1, 9, size)
    usd = np.where(dice.random(size) < 0.1, INF, thirds(0, 12, size))
    return {
        "turn": dice.permutation(workloads)[: dice.integers(0, workloads + 1)],
        "first_route": np.searchsorted([w for w, _ in routes], np.arange(workloads + 1)),
        "pool": np.array([p for _, p in routes], np.int64),
        "lane": np.array(lane, np.int64),
        "hours": hours,
        "held": hours * dice.choice([1.0, 1.25], size),
        "usd": usd,
        "otherwise": thirds(6, 30, workloads),
        "speck": np.full(workloads, 1e-9),
        "remaining": thirds(0, 20, workloads),
        "room": thirds(0, 30, pools),
        "steady": thirds(0, 30, pools),
        "watts": thirds(0, 4, limits, pools),
        "power": thirds(0, 40, limits),
        "hold": hold,
        "work": work,
        "lost": work * dice.choice([0.0, 0.25, 1.0], lanes),
        "before": before,
        "most": np.where(dice.random(lanes) < 0.5, INF, np.minimum(before, 2.0) + 1.0),
        "running": np.zeros(lanes),
        "spare": thirds(0, 3, lanes),
        "placed": np.zeros(size),
        "by_regret": by_regret,
    }


def twin(case: dict[str, Any]) -> tuple[list[float], list[float], naive.Rooms]:
    """Placements, rest and rooms by the slow twin."""
    lists = {name: np.asarray(array).tolist() for name, array in case.items()}
    starts = lists["first_route"]
    routes = [list(range(*ends)) for ends in itertools.pairwise(starts)]
    rooms = naive.Rooms(**{name: lists[name] for name in naive.Rooms.__dataclass_fields__})
    placed = naive.fill_by_regret(
        lists["turn"], routes, lists["pool"], lists["lane"], lists["hours"], lists["held"],
        lists["usd"], lists["otherwise"], lists["speck"], lists["remaining"], rooms,
        lists["by_regret"],
    )  # fmt: skip
    return placed, lists["remaining"], rooms


@pytest.mark.parametrize("by_regret", [True, False])
def test_fill_by_regret(by_regret: bool) -> None:
    """The same placements and the same rest, to the last bit: ties go by the order given."""
    for seed in range(EXAMPLES):
        case = drawn(seed, by_regret=by_regret)
        placed, left, rooms = twin(case)
        fill_by_regret(*(case[name] for name in ORDER))
        assert case["placed"].tolist() == placed, seed
        assert case["remaining"].tolist() == left, seed
        for name in ("room", "steady", "power", "running", "spare"):
            assert case[name].tolist() == getattr(rooms, name), (seed, name)


def test_nothing_is_negative_and_no_limit_is_passed() -> None:
    """Tokens, chips and power add up; whole replicas do the work that is placed on them."""
    for seed in range(EXAMPLES):
        case, given = drawn(seed), drawn(seed)
        fill_by_regret(*(case[name] for name in ORDER))
        routes = np.diff(case["first_route"])
        workload = np.repeat(np.arange(len(routes)), routes)
        served = np.bincount(workload, case["placed"], len(routes))
        assert np.allclose(served + case["remaining"], given["remaining"], atol=1e-12)
        free = case["lane"] < 0
        load = np.where(free, case["placed"] * case["hours"], 0.0)
        taken = np.bincount(case["pool"], load, len(case["room"]))
        lane_pool = np.zeros(len(case["hold"]), np.int64)
        lane_pool[case["lane"][~free]] = case["pool"][~free]
        np.add.at(taken, lane_pool, case["running"] * case["hold"])
        assert (taken <= given["room"] + 1e-9).all(), seed
        assert (case["watts"] @ taken <= given["power"] + 1e-9).all(), seed
        assert (case["running"] == np.round(case["running"])).all()
        assert (case["running"] <= case["most"]).all()
        busy = np.zeros(len(lane_pool))
        np.add.at(busy, case["lane"][~free], (case["placed"] * case["hours"])[~free])
        fresh = np.maximum(case["running"] - given["before"], 0.0)
        ready = given["spare"] + case["running"] * case["work"] - fresh * case["lost"]
        assert (busy <= ready + 1e-9).all(), seed
        assert (case["placed"] >= 0).all()
        assert (case["remaining"] >= 0).all()


def test_who_has_most_to_lose_goes_first() -> None:
    """Both like pool 0 best; the first has a second pool for 1 USD more, the other none."""
    case = drawn(0) | {
        "turn": np.array([0, 1]),
        "first_route": np.array([0, 2, 3]),
        "pool": np.array([0, 1, 0]),
        "lane": np.full(3, -1),
        "hours": np.ones(3),
        "held": np.ones(3),
        "usd": np.array([1.0, 2.0, 1.5]),
        "otherwise": np.array([50.0, 20.0]),
        "speck": np.full(2, 1e-9),
        "room": np.array([4.0, 9.0]),
        "steady": np.array([4.0, 9.0]),
        "watts": np.zeros((0, 2)),
        "power": np.zeros(0),
    }
    for by_regret, expected in ((True, [1.0, 2.0, 3.0]), (False, [3.0, 0.0, 1.0])):
        case |= {"remaining": np.full(2, 3.0), "placed": np.zeros(3), "room": np.array([4.0, 9.0])}
        case |= {"by_regret": by_regret}
        fill_by_regret(*(case[name] for name in ORDER))
        assert case["placed"].tolist() == expected


def test_a_replica_more_is_started_only_when_those_that_run_are_full() -> None:
    """Replicas of 2 chip-hours, 1.5 of them for work, half an hour of it lost by a start."""
    case = drawn(0) | {
        "turn": np.array([0]),
        "first_route": np.array([0, 1]),
        "pool": np.array([0]),
        "lane": np.array([0]),
        "hours": np.ones(1),
        "held": np.ones(1),
        "usd": np.ones(1),
        "otherwise": np.full(1, 9.0),
        "speck": np.full(1, 1e-9),
        "room": np.array([7.0]),
        "steady": np.array([7.0]),
        "watts": np.zeros((0, 1)),
        "power": np.zeros(0),
        "hold": np.array([2.0]),
        "work": np.array([1.5]),
        "lost": np.array([0.5]),
        "before": np.array([1.0]),
        "most": np.array([INF]),
    }
    for mtok, running, left in ((1.5, 1, 0.0), (1.6, 2, 0.0), (3.5, 3, 0.0), (9.0, 3, 5.5)):
        case |= {"remaining": np.array([mtok]), "placed": np.zeros(1), "room": np.array([7.0])}
        case |= {"steady": np.array([7.0]), "running": np.zeros(1), "spare": np.zeros(1)}
        fill_by_regret(*(case[name] for name in ORDER))
        assert case["running"].tolist() == [running]
        assert case["remaining"].tolist() == pytest.approx([left])
