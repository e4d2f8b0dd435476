"""The tables of instance format 1 that say how a fleet is run, each column declared once.

All of them may be left out; a table without rows switches its rules off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.declare import column
from optimizer.instance.labels import Labels

Ids = tuple[str, ...]
Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]

ATTRIBUTES = ("provider", "chip", "region", "pool")
USES = ("inference", "training", "both")
BASES = ("measured", "published", "vendor_claim", "estimate", "assumption")

_SOURCE = "Where the row's numbers come from: an address or a short reference."
_BASIS = "How firm the row's numbers are."
_GROUP = "Column of pools that forms the group."
_VALUE = "Value of that column."
NAN = float("nan")
LAST_PERIOD = 999_999
"""Stands for the end of the horizon, whose periods are counted from 0."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Models:
    """What a model is, and what holds for it on all pools together; without a row: nothing."""

    model: Ids = column("id", "Model, as in workloads.", required=True)
    min_replicas: Int = column(
        "integer",
        "Least number of its replicas in every period, over all pools together.",
        unit="replicas",
        default=0,
        minimum=0,
        maximum=1e9,
    )
    parameters_billion: Float = column(
        "number", "Parameters, for estimates.", unit="1e9", default=NAN, above=0.0, maximum=1e6
    )
    active_parameters_billion: Float = column(
        "number",
        "Parameters that one token uses; not given: all, as in a dense model.",
        unit="1e9",
        default=NAN,
        above=0.0,
        maximum=1e6,
    )
    replicated_parameters_billion: Float = column(
        "number",
        "Parameters that every chip of a replica holds, such as attention and shared experts.",
        unit="1e9",
        default=0.0,
        minimum=0.0,
        maximum=1e6,
    )
    kv_bytes_per_token: Float = column(
        "number",
        "Memory of the cache for one token of context, as it is stored.",
        unit="bytes",
        default=NAN,
        minimum=0.0,
        maximum=1e9,
    )
    attention_flops_decode: Float = column(
        "number",
        "Attention work of one generated token for each token of its context.",
        unit="FLOP",
        default=0.0,
        minimum=0.0,
        maximum=1e12,
    )
    attention_flops_prefill: Float = column(
        "number",
        "Attention work of one input token for each token before it.",
        unit="FLOP",
        default=0.0,
        minimum=0.0,
        maximum=1e12,
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Replicas:
    """Models that run in whole replicas on a chip; a pair without a row may use any part of it."""

    model: Labels = column("label", "Model, as in workloads.", required=True)
    chip: Labels = column("label", "Kind of chip, as in pools.", required=True)
    chips_per_replica: Float = column(
        "number",
        "Chips that one replica occupies.",
        unit="chips",
        required=True,
        above=0.0,
        maximum=1e6,
    )
    target_utilisation: Float = column(
        "number",
        "Part of a replica's time that may be planned for.",
        unit="fraction",
        default=1.0,
        above=0.0,
        maximum=1.0,
    )
    startup_usd: Float = column(
        "number",
        "Cost of each start of a replica, beside its chips.",
        unit="USD",
        default=0.0,
        minimum=0.0,
        maximum=1e9,
    )
    startup_hours: Float = column(
        "number",
        "Time to load the weights: the replica occupies its chips and serves nothing; "
        "not longer than a period.",
        unit="hours",
        default=0.0,
        minimum=0.0,
    )
    max_changes_per_period: Float = column(
        "number",
        "Most replicas that may be added, or taken away, per pool from one period to the next.",
        unit="replicas",
        default=NAN,
        minimum=0.0,
        maximum=1e9,
        whole=True,
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class InForce:
    """Replicas that run before the first period; without any row, starts in it count nothing."""

    model: Labels = column("label", "Model, as in workloads.", required=True)
    pool: Index = column("reference", "Pool they run on.", required=True, refers="pools")
    replicas: Int = column(
        "integer", "How many run.", unit="replicas", required=True, minimum=0, maximum=1e9
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Contracts:
    """Blocks of chips that may be bought for a part of the horizon, whole ones only."""

    contract: Ids = column("id", "Name of the offer.", required=True)
    pool: Index = column("reference", "Pool that the chips add to.", required=True, refers="pools")
    block_chips: Float = column(
        "number", "Chips in a block.", unit="chips", required=True, above=0.0, maximum=1e9
    )
    usd_per_chip_hour: Float = column(
        "number",
        "Price, paid from the first period to the last whether the chips are used or not.",
        unit="USD/chip-hour",
        required=True,
        minimum=0.0,
        maximum=1e6,
    )
    first_period: Int = column(
        "integer",
        "First period in force.",
        unit="periods",
        default=0,
        minimum=0,
        maximum=LAST_PERIOD,
    )
    last_period: Int = column(
        "integer",
        "Last period in force; past the horizon means to its end.",
        unit="periods",
        default=LAST_PERIOD,
        minimum=0,
        maximum=LAST_PERIOD,
    )
    max_blocks: Int = column(
        "integer", "Most blocks on offer.", unit="blocks", default=1, minimum=0, maximum=1e6
    )
    activation_usd: Float = column(
        "number", "Fee paid once if any block is bought.", unit="USD", default=0.0, minimum=0.0
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Outages:
    """Groups of pools whose loss protected workloads must survive, one group at a time."""

    outage: Ids = column("id", "Name of the rule.", required=True)
    attribute: Labels = column("label", _GROUP, required=True, choices=ATTRIBUTES)
    value: Labels = column("label", _VALUE + " All its pools are lost at once.", required=True)
    served: Float = column(
        "number",
        "Part of what is placed of each protected workload that the rest could still serve.",
        unit="fraction",
        default=1.0,
        above=0.0,
        maximum=1.0,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Power:
    """Limits on the electric power that the chips in use of a group of pools draw."""

    limit: Ids = column("id", "Name of the limit.", required=True)
    attribute: Labels = column("label", _GROUP, required=True, choices=ATTRIBUTES)
    value: Labels = column("label", _VALUE, required=True)
    max_mw: Float = column(
        "number",
        "Most power at any time, by watts_per_chip of the pools.",
        unit="MW",
        required=True,
        minimum=0.0,
        maximum=1e6,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Qualification:
    """Chips that a model may run on; a model without any row may use all."""

    model: Labels = column("label", "Model, as in workloads.", required=True)
    chip: Labels = column("label", "Kind of chip, as in pools.", required=True)
    use: Labels = column(
        "label",
        "What it may be used for; workloads of traffic class training need training or both, "
        "all others inference or both.",
        default="both",
        choices=USES,
    )
    qualified_from: Float = column(
        "time",
        "From when on; periods that begin earlier do not count. Not given: from the start.",
        default=NAN,
    )
