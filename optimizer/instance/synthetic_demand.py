"""Made-up workloads: tenants that use models for kinds of traffic, and when they do.

The numbers are round ones of a plausible size. They are not measurements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.synthetic_fleet import HOURS_PER_DAY, Region
from optimizer.instance.tables import Workloads

Float = NDArray[np.float64]
Index = NDArray[np.int64]


class Traffic(NamedTuple):
    """A kind of traffic.

    ``odds`` of a workload being of it, ``volume`` and chip ``effort`` per Mtok relative to
    interactive, ``swing`` between day and night, ``weekend`` relative to a working day,
    ``penalty`` of a Mtok not served relative to serving it on the dearest route.
    """

    name: str
    odds: float
    volume: float
    effort: float
    swing: float
    weekend: float
    penalty: float
    input_tokens: float
    output_tokens: float
    cached_input_fraction: float
    ttft_ms: float
    tpot_ms: float


NAN = float("nan")
TRAFFIC = (
    Traffic("interactive", 0.5, 1.0, 1.0, 0.45, 0.80, 12, 1200, 250, 0.3, 1000, 50),
    Traffic("agentic", 0.3, 1.8, 0.8, 0.35, 0.65, 9, 9000, 600, 0.8, 3000, 80),
    Traffic("long_context", 0.2, 0.7, 1.7, 0.40, 0.75, 9, 60000, 800, 0.5, 8000, 80),
    Traffic("batch", 0.0, 1.2, 0.6, 0.10, 1.00, 5, 3000, 500, 0.0, NAN, NAN),
)
BATCH = 3
"""Position of the only kind of traffic that may wait."""
PER_TENANT = 6
"""Workloads of one tenant, as far as models and regions allow."""
SLICE_CELLS = 2_000_000


@dataclass(frozen=True)
class Crowd:
    """Workloads as positions.

    Attributes
    ----------
    tenant, model, traffic, region : (W,) positions; model and region differ within a tenant.
    level_mtok_per_hour : (W,) mean demand.
    """

    tenant: Index
    model: Index
    traffic: Index
    region: Index
    level_mtok_per_hour: Float


def make_crowd(
    rng: np.random.Generator,
    workloads: int,
    models: int,
    deferrable: float,
    total_mtok_per_hour: float,
    regions: tuple[Region, ...],
) -> Crowd:
    """Draw workloads; few tenants hold most of the demand."""
    pairs = models * len(regions)
    each = min(PER_TENANT, pairs)
    tenant, turn = np.divmod(np.arange(workloads), each)
    tenants = int(tenant[-1]) + 1
    # Steps of a stride without a common factor meet no pair twice.
    stride = next(
        s for s in range(max(1, round(0.618 * pairs)), 2 * pairs + 2) if math.gcd(s, pairs) == 1
    )
    pair = (rng.integers(pairs, size=tenants)[tenant] + turn * stride) % pairs
    model, region = np.divmod(pair, len(regions))
    odds = [kind.odds for kind in TRAFFIC]
    traffic = rng.choice(len(TRAFFIC), workloads, p=odds)
    traffic[rng.permutation(workloads)[: round(deferrable * workloads)]] = BATCH
    level = np.exp(1.6 * rng.standard_normal(tenants))[tenant]
    level *= np.exp(0.6 * rng.standard_normal(workloads))
    level *= np.array([kind.volume for kind in TRAFFIC])[traffic]
    level *= np.array([place.demand for place in regions])[region]
    level *= 1.0 / (1.0 + rng.permutation(models))[model]
    level *= total_mtok_per_hour / level.sum()
    return Crowd(tenant, model, traffic, region, level)


def demand_of(
    rng: np.random.Generator,
    crowd: Crowd,
    periods: int,
    period_hours: float,
    regions: tuple[Region, ...],
) -> Float:
    """(W, T) Mtok arriving: the level, the wave of the day and week, and noise.

    Rounded to 0.001 Mtok. Worked on in slices, so that it needs little beside its result.
    """
    waves = _waves(periods, period_hours, regions)
    demand = np.empty((len(crowd.model), periods))
    step = max(1, SLICE_CELLS // periods)
    for begin in range(0, len(demand), step):
        rows = slice(begin, begin + step)
        block = demand[rows]
        rng.standard_normal(out=block)
        block *= 0.12
        np.exp(block, out=block)
        block *= waves[crowd.traffic[rows], crowd.region[rows]]
        block *= (period_hours * crowd.level_mtok_per_hour[rows])[:, None]
        np.round(block, 3, out=block)
    return demand


def model_names(count: int) -> list[str]:
    """Names of the models, in the order of their size."""
    return [f"m{model:02d}" for model in range(count)]


def workloads_table(
    crowd: Crowd, unserved_usd_per_mtok: Float, window: int, regions: tuple[Region, ...]
) -> Workloads:
    """Make the table of the workloads, with ids such as ``m03-agentic-eu-west-t00042``."""
    models = model_names(int(crowd.model.max()) + 1)
    kinds = [kind.name for kind in TRAFFIC]
    places = [place.name for place in regions]
    columns = (crowd.model, crowd.traffic, crowd.region, crowd.tenant)
    ids = tuple(
        f"{models[model]}-{kinds[kind]}-{places[place]}-t{tenant:05d}"
        for model, kind, place, tenant in zip(*(c.tolist() for c in columns), strict=True)
    )
    promises = {
        name: np.array([float(getattr(kind, name)) for kind in TRAFFIC])[crowd.traffic]
        for name in ("input_tokens", "output_tokens", "cached_input_fraction", "ttft_ms", "tpot_ms")
    }
    return table_of(
        Workloads,
        len(ids),
        workload=ids,
        model=labels_of(models, crowd.model),
        traffic_class=labels_of(kinds, crowd.traffic),
        region=labels_of(places, crowd.region),
        unserved_usd_per_mtok=unserved_usd_per_mtok,
        deadline_periods=np.where(crowd.traffic == BATCH, window, 0),
        **promises,
    )


def _waves(periods: int, period_hours: float, regions: tuple[Region, ...]) -> Float:
    """(traffic, region, T) demand relative to its level, at the local time of the region.

    The horizon begins on a Monday, 0:00 UTC. The busiest hour is the fifteenth of the day.
    """
    offsets = np.array([place.utc_offset for place in regions])
    hours = np.arange(periods) * period_hours + offsets[:, None]
    angle = 2 * np.pi * (hours - 15.0) / HOURS_PER_DAY
    shape = np.cos(angle) + 0.25 * np.cos(2 * angle)
    weekend = (hours // HOURS_PER_DAY) % 7 >= 5
    swing = np.array([kind.swing for kind in TRAFFIC])[:, None, None]
    quiet = np.array([kind.weekend for kind in TRAFFIC])[:, None, None]
    return np.asarray((1.0 + swing * shape) * np.where(weekend, quiet, 1.0))
