"""Which range holds for which row, and what is said of ranges that make no sense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optimizer.errors import UsageError
from optimizer.evaluation.uncertainty import Uncertainty, ranges_of
from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.serving_tables import Profiles
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow

NAN = float("nan")


def instance(**pools: Any) -> Instance:
    """Two models on three pools, two of them alike; columns of pools may be given."""
    base = Sketch(
        workloads=(
            WorkloadRow("a", 9.0, (4.0,), model="large"),
            WorkloadRow("b", 9.0, (4.0,), model="small"),
        ),
        pools=(
            PoolRow("p", (2.0,), (9.0,)),
            PoolRow("q", (4.0,), (9.0,), region="west"),
            PoolRow("r", (3.0,), (9.0,), provider="south", chip="beta"),
        ),
        routes=tuple(RouteRow(w, p) for w in "ab" for p in "pqr"),
    ).build()
    return replace(base, pools=replace(base.pools, **pools))


def test_a_workload_s_own_range_goes_before_the_common_one() -> None:
    base = instance()
    table = replace(
        base.workloads, demand_low=np.array([0.5, 1.0]), demand_high=np.array([1.0, 1.0])
    )
    found = ranges_of(replace(base, workloads=table), Uncertainty(demand=(0.8, 1.3))).demand
    assert found.low.tolist() == [0.5, 0.8]
    assert found.high.tolist() == [1.0, 1.3]
    assert found.names == ("a", "b")
    assert found.drawn == 2


def test_throughput_by_profile_and_by_model_and_chip() -> None:
    """The profile of large on alpha states a range, that of small none; the rest has no profile."""
    base = instance()
    profiles = table_of(
        Profiles,
        3,
        model=Labels.of(["large", "large", "small"]),
        chip=Labels.of(["alpha"] * 3),
        configuration=Labels.of(["fast", "slow", "fast"]),
        chips_per_replica=np.ones(3),
        max_batch=np.full(3, 8.0),
        decode_base_ms=np.ones(3),
        decode_per_seq_ms=np.ones(3),
        prefill_base_ms=np.ones(3),
        prefill_per_token_ms=np.ones(3),
        throughput_low=np.array([0.6, 0.7, 1.0]),
        throughput_high=np.array([1.2, 1.0, 1.0]),
    )
    ways = ["fast", "slow", "fast", "fast", "", ""]  # a on p, q, r; b on p, q, r
    routes = replace(base.routes, configuration=Labels.of(ways))
    made = replace(base, profiles=profiles, routes=routes)
    found = ranges_of(made, Uncertainty(throughput=(0.9, 1.1)))
    spread, of = found.throughput, found.route_class
    assert spread.low[of].tolist() == [0.6, 0.7, 0.9, 0.9, 0.9, 0.9]
    assert spread.high[of].tolist() == [1.2, 1.0, 1.1, 1.1, 1.1, 1.1]
    names = [spread.names[stream] for stream in spread.stream[of]]
    expected = ["large\0alpha", "large\0alpha", "large\0beta"]
    assert names == expected + [name.replace("large", "small") for name in expected]


def test_price_as_a_factor_on_what_is_stated() -> None:
    made = instance(
        usd_per_chip_hour_low=np.array([1.0, NAN, 3.5]),
        usd_per_chip_hour_high=np.array([3.0, 5.0, 6.0]),
    )
    found = ranges_of(made, Uncertainty())
    assert found.price.low.tolist() == [0.5, 1.0, 1.0]
    assert found.price.high.tolist() == [1.5, 1.25, 2.0]
    assert [found.price.names[stream] for stream in found.price.stream] == [
        "north\0alpha", "north\0alpha", "south\0beta",
    ]  # fmt: skip
    assert found.notes == ("price of r: outside its range, which is widened to hold it",)


def test_a_price_of_nothing_has_no_multiples() -> None:
    made = instance(usd_per_chip_hour=np.array([0.0, 4.0, 3.0]),
                    usd_per_chip_hour_high=np.array([3.0, NAN, NAN]))  # fmt: skip
    found = ranges_of(made, Uncertainty())
    assert (found.price.low == 1).all()
    assert (found.price.high == 1).all()
    assert (
        "price of p: the column usd_per_chip_hour of pools has no number above 0" in found.notes[0]
    )


def test_nothing_uncertain_is_said() -> None:
    assert ranges_of(instance(), Uncertainty()).notes == (
        "nothing is uncertain: the instance states no ranges, and none were given",
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"demand": (1.1, 1.2)}, "demand: expected 0 <= LOW <= 1 <= HIGH"),
        ({"demand": (0.5, 0.9)}, "got 0.5,0.9"),
        ({"demand": (0.5, float("inf"))}, "demand: expected"),
        ({"demand": (float("nan"), 2.0)}, "demand: expected"),
        ({"throughput": (0.0, 1.0)}, "throughput: expected LOW > 0"),
        ({"throughput": (2.0, 0.5)}, "throughput: expected 0 <= LOW <= 1 <= HIGH"),
        ({"distribution": "normal"}, "expected one of triangular, uniform, got 'normal'"),
        ({"common_demand": 1.5}, "common_demand: expected a number from 0 to 1, got 1.5"),
    ],
)
def test_settings_that_make_no_sense(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Uncertainty(**given)
    assert message in str(caught.value)
