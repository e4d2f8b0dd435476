"""Small random planning problems with every family of rules on and off.

All numbers are multiples of a quarter and all limits on shares multiples of an eighth, so
that sums are exact, costs tie often, and a problem that is infeasible is clearly so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from optimizer.instance.instance import Instance
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow

PROVIDERS = ("north", "south")
CHIPS = ("alpha", "beta")
REGIONS = ("east", "west")
MEASURES = ("tokens", "compute", "spend")
ATTRIBUTES = ("provider", "chip", "region", "pool")
PENALTIES = (100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 0.25, 0.0)
PURCHASES = ("on_demand", "reserved", "spot")


@dataclass(frozen=True)
class Switches:
    """What a drawn problem may contain."""

    deadlines: bool
    residency: bool
    unknown_prices: bool
    price_by_period: bool
    missing_routes: bool
    ties: bool
    ample: bool


def quarters(low: float, high: float) -> st.SearchStrategy[float]:
    """Multiples of a quarter, shrinking to the lower end."""
    return st.integers(round(4 * low), round(4 * high)).map(lambda count: count / 4)


def cells(most: float) -> st.SearchStrategy[float]:
    """Multiples of a quarter up to ``most``, one in four of them 0."""
    positive = [quarters(0.25, most) for _ in range(3)]
    return st.one_of(st.just(0.0), *positive)


def one_in(count: int) -> st.SearchStrategy[bool]:
    """True about once in ``count`` draws, shrinking to False."""
    return st.sampled_from((False,) * (count - 1) + (True,))


@st.composite
def sketches(
    draw: st.DrawFn, *, max_workloads: int = 5, max_pools: int = 4, max_periods: int = 6
) -> Sketch:
    """Draw a problem as plain rows."""
    periods = draw(st.integers(1, max_periods))
    switches = draw(st.builds(Switches, **dict.fromkeys(Switches.__annotations__, st.booleans())))
    pools = tuple(
        draw(_pools(f"pool-{index}", periods, switches))
        for index in range(draw(st.integers(1, max_pools)))
    )
    workloads = tuple(
        draw(_workloads(f"workload-{index}", periods, pools, switches))
        for index in range(draw(st.integers(1, max_workloads)))
    )
    routes = draw(_routes(workloads, pools, switches))
    # A limit on a group that is everything, or nothing, mostly just stops the service.
    most = 3 if _proper_groups(pools) or draw(one_in(4)) else 0
    shares = tuple(
        draw(_shares(f"share-{index}", pools)) for index in range(draw(st.integers(0, most)))
    )
    return Sketch(workloads, pools, routes, shares, draw(st.sampled_from((1.0, 0.5, 2.0))))


def instances(
    *, max_workloads: int = 5, max_pools: int = 4, max_periods: int = 6
) -> st.SearchStrategy[Instance]:
    """Draw a problem as an instance."""
    drawn = sketches(max_workloads=max_workloads, max_pools=max_pools, max_periods=max_periods)
    return drawn.map(Sketch.build)


@st.composite
def whole_number_sketches(draw: st.DrawFn, *, pins: bool = True, fees: bool = True) -> Sketch:
    """Draw a problem in which some workloads are pinned and some pools ask a fee.

    Small, because its optimum is found by looking at every choice.
    """
    sketch = draw(sketches(max_workloads=3, max_pools=3, max_periods=3))
    everyone = draw(st.booleans())
    workloads = [
        replace(row, single_pool=pins and (everyone or draw(st.booleans())))
        for row in sketch.workloads
    ]
    usd = st.sampled_from((0.0, 1.0, 4.0, 20.0, 0.25))
    pools = [replace(row, activation_usd=draw(usd) if fees else 0.0) for row in sketch.pools]
    return replace(sketch, workloads=tuple(workloads), pools=tuple(pools))


@st.composite
def assignment_sketches(draw: st.DrawFn) -> Sketch:
    """Draw a problem in which everyone is pinned and may run anywhere, and room is short."""
    periods = draw(st.integers(1, 2))

    def several(low: int, high: int) -> tuple[float, ...]:
        return tuple(float(draw(st.integers(low, high))) for _ in range(periods))

    pools = tuple(
        PoolRow(
            f"pool-{index}",
            (float(draw(st.integers(0, 2))),) * periods,
            several(1, 12),
            activation_usd=draw(st.sampled_from((0.0, 0.0, 3.0))),
        )
        for index in range(draw(st.integers(2, 3)))
    )
    penalty = st.sampled_from((50.0, 20.0, 8.0, 3.0))
    workloads = tuple(
        WorkloadRow(f"workload-{index}", draw(penalty), several(1, 6), single_pool=True)
        for index in range(draw(st.integers(2, 4)))
    )
    hours = st.sampled_from((1.0, 2.0, 0.5))
    routes = tuple(
        RouteRow(workload.name, pool.name, draw(hours), float(draw(st.integers(0, 3))))
        for workload in workloads
        for pool in pools
    )
    return Sketch(workloads, pools, routes)


@st.composite
def _pools(draw: st.DrawFn, name: str, periods: int, switches: Switches) -> PoolRow:
    chips = cells(40 if switches.ample else 5)
    return PoolRow(
        name=name,
        usd_per_chip_hour=draw(_prices(periods, switches)),
        capacity_chips=tuple(draw(chips) for _ in range(periods)),
        purchase=draw(st.sampled_from(PURCHASES)),
        provider=draw(st.sampled_from(PROVIDERS)),
        chip=draw(st.sampled_from(CHIPS)),
        region=draw(st.sampled_from(REGIONS)),
    )


@st.composite
def _prices(draw: st.DrawFn, periods: int, switches: Switches) -> tuple[float | None, ...]:
    usd = st.sampled_from((1.0, 2.0)) if switches.ties else quarters(0, 6)
    if switches.price_by_period:
        prices: list[float | None] = [draw(usd) for _ in range(periods)]
    else:
        prices = [draw(usd)] * periods
    if switches.unknown_prices and draw(one_in(5)):
        if draw(st.booleans()):
            return (None,) * periods
        prices[draw(st.integers(0, periods - 1))] = None
    return tuple(prices)


@st.composite
def _workloads(
    draw: st.DrawFn, name: str, periods: int, pools: tuple[PoolRow, ...], switches: Switches
) -> WorkloadRow:
    mtok = cells(10)
    regions: list[str] = []
    if switches.residency and draw(st.booleans()):
        known = sorted({pool.region for pool in pools})
        regions = draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    return WorkloadRow(
        name=name,
        unserved_usd_per_mtok=draw(st.sampled_from(PENALTIES)),
        demand_mtok=tuple(draw(mtok) for _ in range(periods)),
        deadline_periods=draw(st.integers(0, periods + 1)) if switches.deadlines else 0,
        regions=tuple(sorted(regions)),
    )


@st.composite
def _routes(
    draw: st.DrawFn,
    workloads: tuple[WorkloadRow, ...],
    pools: tuple[PoolRow, ...],
    switches: Switches,
) -> tuple[RouteRow, ...]:
    hours = st.sampled_from((1.0,) if switches.ties else (1.0, 0.25, 0.5, 0.75, 1.5, 2.0, 4.0))
    usd = st.sampled_from((0.0, 1.0)) if switches.ties else st.one_of(st.just(0.0), quarters(0, 3))
    rows = []
    for workload in workloads:
        if switches.missing_routes and draw(one_in(8)):
            continue
        for pool in pools:
            if not (switches.missing_routes and draw(one_in(3))):
                rows.append(RouteRow(workload.name, pool.name, draw(hours), draw(usd)))
    return tuple(rows)


@st.composite
def _shares(draw: st.DrawFn, name: str, pools: tuple[PoolRow, ...]) -> ShareRow:
    attribute, value = draw(_groups(pools))
    sides = draw(st.sampled_from(("max", "min", "both")))
    low = draw(st.integers(0, 8 if draw(one_in(4)) else 4))
    high = draw(st.integers(0 if draw(one_in(4)) else 3, 8))
    share = ShareRow(
        name,
        attribute,
        value,
        draw(st.sampled_from(MEASURES)),
        min=None if sides == "max" else low / 8,
        max=None if sides == "min" else max(low, high) / 8,
    )
    if all(pool.left_out for pool in pools if pool.label(attribute) == value):
        share = replace(share, min=None, max=high / 8)
    if share.measure == "spend" and not draw(one_in(3)):
        share = _widened(share, pools)
    return share


def _groups(pools: tuple[PoolRow, ...]) -> st.SearchStrategy[tuple[str, str]]:
    """Attribute and value of a group, mostly of a proper one."""
    several = [st.sampled_from(groups) for groups in [_proper_groups(pools)] * 5 if groups]
    return st.one_of(*several, st.sampled_from(_all_groups(pools)))


def _proper_groups(pools: tuple[PoolRow, ...]) -> list[tuple[str, str]]:
    """Groups with pools of known price both inside and outside."""
    kept = [pool for pool in pools if not pool.left_out]
    groups = _all_groups(pools)
    inside = [sum(pool.label(name) == value for pool in kept) for name, value in groups]
    return [group for group, count in zip(groups, inside, strict=True) if 0 < count < len(kept)]


def _all_groups(pools: tuple[PoolRow, ...]) -> list[tuple[str, str]]:
    return sorted({(name, pool.label(name)) for name in ATTRIBUTES for pool in pools})


def _widened(share: ShareRow, pools: tuple[PoolRow, ...]) -> ShareRow:
    """Widen a limit on spend until reserved pools alone, with nothing served, keep it."""
    usd = {pool.name: _reserved_usd(pool) for pool in pools}
    if not sum(usd.values()):
        return share
    group = sum(usd[pool.name] for pool in pools if pool.label(share.attribute) == share.value)
    eighths = 8 * group / sum(usd.values())
    return replace(
        share,
        min=None if share.min is None else min(share.min, math.floor(eighths) / 8),
        max=None if share.max is None else max(share.max, math.ceil(eighths) / 8),
    )


def _reserved_usd(pool: PoolRow) -> float:
    """What a pool costs before anything runs on it, per hour of a period."""
    if pool.left_out or pool.purchase != "reserved":
        return 0.0
    pairs = zip(pool.usd_per_chip_hour, pool.capacity_chips, strict=True)
    return sum((usd or 0.0) * chips for usd, chips in pairs)
