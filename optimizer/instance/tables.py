"""The tables of instance format 1, each column declared once.

A table is a frozen record of equally long columns. Text that names a row is a tuple
of strings, repeated text is :class:`~optimizer.instance.labels.Labels`, references are
integer positions into the table they refer to, numbers are float64, and a number that
is not given and has no default is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.declare import Matrix, column
from optimizer.instance.fleet_tables import (
    ATTRIBUTES,
    BASES,
    Contracts,
    InForce,
    Models,
    Outages,
    Power,
    Qualification,
    Replicas,
)
from optimizer.instance.labels import Labels
from optimizer.instance.serving_tables import Chips, Exclusions, Network, Profiles, Throughputs

Ids = tuple[str, ...]
Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

MAX_NUMBER = 1e15
"""Largest number accepted anywhere; beyond it float64 no longer holds whole units."""
MIN_NUMBER = 1e-15
"""Smallest number other than 0 accepted anywhere; below it a cell is a mistake."""

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Years in which a time may lie."""

PURCHASES = ("reserved", "on_demand", "spot")
STATUSES = ("available", "ordered", "in_talks")
MEASURES = ("compute", "tokens", "spend")
SPANS = ("horizon", "period")

_SOURCE = "Where the row's numbers come from: an address or a short reference."
_BASIS = "How firm the row's numbers are."
NAN = float("nan")


@dataclass(frozen=True, eq=False, kw_only=True)
class Workloads:
    """Demand rows: a model, a traffic class, an origin region, a promise. Axis W."""

    workload: Ids = column("id", "Name of the workload.", required=True)
    model: Labels = column("label", "Model that serves it.", required=True)
    traffic_class: Labels = column(
        "label", "Kind of traffic: interactive, long_context, agentic, batch, ...", required=True
    )
    region: Labels = column("label", "Region the requests come from.", required=True)
    unserved_usd_per_mtok: Float = column(
        "number",
        "Penalty for each Mtok that is not served.",
        unit="USD/Mtok",
        required=True,
        minimum=0.0,
        maximum=1e9,
    )
    deadline_periods: Int = column(
        "integer",
        "Periods that a token may wait: 0 = served in the period it arrives in, "
        "h = in any period from arrival to arrival + h, never past the horizon.",
        unit="periods",
        default=0,
        minimum=0,
        maximum=1e6,
    )
    single_pool: Bool = column(
        "boolean", "All that is served of it runs on one pool, all horizon.", default=False
    )
    protected: Bool = column(
        "boolean", "Can still be served after any loss listed in outages.", default=False
    )
    priority: Int = column(
        "integer",
        "Who is served first when not all can be: 1 before 2.",
        default=1,
        minimum=1,
        maximum=1000,
    )
    input_tokens: Float = column(
        "number", "Mean input tokens per request.", unit="tokens", default=NAN, minimum=0.0
    )
    output_tokens: Float = column(
        "number", "Mean output tokens per request.", unit="tokens", default=NAN, minimum=0.0
    )
    input_tokens_cv: Float = column(
        "number",
        "Standard deviation of the input tokens of a request over their mean.",
        default=1.0,
        minimum=0.0,
        maximum=100.0,
    )
    output_tokens_cv: Float = column(
        "number",
        "Standard deviation of the output tokens of a request over their mean.",
        default=1.0,
        minimum=0.0,
        maximum=100.0,
    )
    cached_input_fraction: Float = column(
        "number",
        "Part of the input that a prompt cache answers.",
        unit="fraction",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
    )
    ttft_ms: Float = column(
        "number", "Promised time to first token.", unit="ms", default=NAN, above=0.0
    )
    tpot_ms: Float = column(
        "number", "Promised time per output token.", unit="ms", default=NAN, above=0.0
    )
    slo_percentile: Float = column(
        "number",
        "Percentile of requests for which ttft_ms and tpot_ms are promised; "
        "not given: they are promised on average.",
        unit="percent",
        default=NAN,
        minimum=1.0,
        maximum=99.9,
    )
    max_round_trip_ms: Float = column(
        "number",
        "Longest network round trip that derived routes may have.",
        unit="ms",
        default=NAN,
        minimum=0.0,
    )
    burstiness: Float = column(
        "number",
        "Variance over mean of the number of requests in short spans; 1 = independent arrivals.",
        default=1.0,
        above=0.0,
        maximum=1e6,
    )
    demand_low: Float = column(
        "number",
        "Least demand thought possible, as a part of the one stated.",
        unit="fraction",
        default=1.0,
        minimum=0.0,
        maximum=1.0,
    )
    demand_high: Float = column(
        "number",
        "Most demand thought possible, as a multiple of the one stated.",
        unit="multiple",
        default=1.0,
        minimum=1.0,
        maximum=1e3,
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pools:
    """Kinds of chips at a provider in a region under one way of buying. Axis P."""

    pool: Ids = column("id", "Name of the pool.", required=True)
    provider: Labels = column("label", "Who rents it out.", required=True)
    chip: Labels = column("label", "Kind of chip.", required=True)
    region: Labels = column("label", "Region it stands in.", required=True)
    purchase: Labels = column(
        "label",
        "reserved: paid for all its chips, used or not; on_demand, spot: paid per chip-hour used.",
        required=True,
        choices=PURCHASES,
    )
    usd_per_chip_hour: Float = column(
        "number",
        "Price; empty = unknown, and the pool is left out of the plan and named.",
        unit="USD/chip-hour",
        default=NAN,
        minimum=0.0,
        maximum=1e6,
    )
    usd_per_chip_hour_low: Float = column(
        "number",
        "Lowest price thought possible.",
        unit="USD/chip-hour",
        default=NAN,
        minimum=0.0,
        maximum=1e6,
    )
    usd_per_chip_hour_high: Float = column(
        "number",
        "Highest price thought possible.",
        unit="USD/chip-hour",
        default=NAN,
        minimum=0.0,
        maximum=1e6,
    )
    activation_usd: Float = column(
        "number",
        "Fee paid once if the pool serves or holds anything.",
        unit="USD",
        default=0.0,
        minimum=0.0,
    )
    watts_per_chip: Float = column(
        "number",
        "Power that a chip in use draws, all that it needs in the building included.",
        unit="W",
        default=NAN,
        above=0.0,
        maximum=1e6,
    )
    status: Labels = column(
        "label",
        "How real the pool is; shown in reports, does not switch it off.",
        default="available",
        choices=STATUSES,
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Routes:
    """Allowed (workload, pool) pairs, sorted by workload, then pool. Axis R."""

    workload: Index = column(
        "reference", "Workload that may use the pool.", required=True, refers="workloads"
    )
    pool: Index = column("reference", "Pool it may use.", required=True, refers="pools")
    chip_hours_per_mtok: Float = column(
        "number",
        "Chip-hours that one Mtok of the workload takes on the pool.",
        unit="chip-hours/Mtok",
        required=True,
        above=0.0,
        maximum=1e9,
    )
    usd_per_mtok: Float = column(
        "number",
        "Cost of the route itself, such as egress.",
        unit="USD/Mtok",
        default=0.0,
        minimum=0.0,
        maximum=1e9,
    )
    latency_ms: Float = column(
        "number", "Network latency of the route.", unit="ms", default=0.0, minimum=0.0
    )
    configuration: Labels = column(
        "label",
        "Way to run the model there, as in profiles; empty: none is said.",
        default="",
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Shares:
    """Limits on the part that a provider, chip, region or pool may hold. Axis S."""

    share: Ids = column("id", "Name of the limit.", required=True)
    attribute: Labels = column(
        "label", "Column of pools that forms the group.", required=True, choices=ATTRIBUTES
    )
    value: Labels = column("label", "Value of that column which is limited.", required=True)
    measure: Labels = column(
        "label",
        "compute: chip-hours held; tokens: Mtok placed; "
        "spend: USD paid for chips (reserved and contracts: used or not) and routes.",
        required=True,
        choices=MEASURES,
    )
    min: Float = column(
        "number",
        "Least part of the total.",
        unit="fraction",
        default=NAN,
        minimum=0.0,
        maximum=1.0,
    )
    max: Float = column(
        "number",
        "Largest part of the total.",
        unit="fraction",
        default=NAN,
        minimum=0.0,
        maximum=1.0,
    )
    per: Labels = column(
        "label",
        "Whose total: that of the horizon, or of each period for itself.",
        default="horizon",
        choices=SPANS,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Residency:
    """Regions that a workload may be served in; no row = any region. Axis none."""

    workload: Index = column(
        "reference", "Workload that is bound.", required=True, refers="workloads"
    )
    region: Labels = column("label", "Region of pools it may use.", required=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class Sources:
    """Longer references that the ``source`` columns may name by key."""

    source: Ids = column("id", "Key used in source columns.", required=True)
    address: Labels = column("label", "Public address.", required=True)
    note: Labels = column("label", "What was taken from it and how.", default="")


@dataclass(frozen=True)
class TableSpec:
    """A table of the format: its class, its key, whether it must be there."""

    name: str
    record: type
    key: tuple[str, ...]
    required: bool
    title: str


TABLES: tuple[TableSpec, ...] = (
    TableSpec("workloads", Workloads, ("workload",), True, "a row per workload"),
    TableSpec("pools", Pools, ("pool",), True, "a row per pool"),
    TableSpec("routes", Routes, ("workload", "pool"), False, "a row per allowed pair"),
    TableSpec("shares", Shares, ("share",), False, "a row per limit on a share"),
    TableSpec("residency", Residency, ("workload", "region"), False, "a row per allowed region"),
    TableSpec("models", Models, ("model",), False, "a row per model with rules of its own"),
    TableSpec("replicas", Replicas, ("model", "chip"), False, "a row per pair with replicas"),
    TableSpec("in_force", InForce, ("model", "pool"), False, "a row per pair that runs now"),
    TableSpec("contracts", Contracts, ("contract",), False, "a row per block on offer"),
    TableSpec("outages", Outages, ("outage",), False, "a row per loss to survive"),
    TableSpec("power", Power, ("limit",), False, "a row per limit on power"),
    TableSpec("qualification", Qualification, ("model", "chip", "use"), False, "a row per chip"),
    TableSpec("chips", Chips, ("chip",), False, "a row per kind of chip"),
    TableSpec(
        "profiles",
        Profiles,
        ("model", "chip", "configuration"),
        False,
        "a row per way to run a model on a chip",
    ),
    TableSpec(
        "throughputs",
        Throughputs,
        ("model", "chip", "configuration", "input_tokens", "output_tokens"),
        False,
        "a row per measured rate",
    ),
    TableSpec("network", Network, ("region", "pool_region"), False, "a row per pair of regions"),
    TableSpec("exclusions", Exclusions, ("exclusion",), False, "a row per exclusion"),
    TableSpec("sources", Sources, ("source",), False, "a row per reference"),
)

DEMAND = Matrix("demand", "workloads", "Tokens arriving in the period.", "Mtok", True)
CAPACITY = Matrix("capacity", "pools", "Chips that can be used in the period.", "chips", True)
PRICES = Matrix(
    "prices",
    "pools",
    "Price in the period, over the column in pools; an empty cell keeps that column's price.",
    "USD/chip-hour",
    False,
)
MATRICES: tuple[Matrix, ...] = (DEMAND, CAPACITY, PRICES)
