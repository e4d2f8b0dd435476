"""The tables of instance format 1 that say what a chip delivers, each column declared once.

All of them may be left out. With ``profiles`` an instance needs no ``routes``: they are derived
(:mod:`optimizer.serving`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.declare import column
from optimizer.instance.fleet_tables import BASES
from optimizer.instance.labels import Labels

Ids = tuple[str, ...]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

PRECISIONS = ("bf16", "fp8", "fp4")
BATCHINGS = ("continuous", "together")

_SOURCE = "Where the row's numbers come from: an address or a short reference."
_BASIS = "How firm the row's numbers are."
NAN = float("nan")


@dataclass(frozen=True, eq=False, kw_only=True)
class Chips:
    """What a kind of chip can do by its data sheet, for estimates."""

    chip: Ids = column("id", "Kind of chip, as in pools.", required=True)
    memory_gb: Float = column(
        "number", "Memory of one chip.", unit="GB", default=NAN, above=0.0, maximum=1e6
    )
    memory_tb_per_second: Float = column(
        "number", "Rate of that memory.", unit="TB/s", default=NAN, above=0.0, maximum=1e6
    )
    bf16_tflops: Float = column(
        "number",
        "Dense matrix rate in BF16.",
        unit="TFLOP/s",
        default=NAN,
        above=0.0,
        maximum=1e9,
    )
    fp8_tflops: Float = column(
        "number",
        "Dense matrix rate in FP8; not given: cannot.",
        unit="TFLOP/s",
        default=NAN,
        above=0.0,
        maximum=1e9,
    )
    fp4_tflops: Float = column(
        "number",
        "Dense matrix rate in FP4; not given: cannot.",
        unit="TFLOP/s",
        default=NAN,
        above=0.0,
        maximum=1e9,
    )
    chips_per_domain: Float = column(
        "number",
        "Chips that the fast network joins; replicas larger than that are flagged.",
        unit="chips",
        default=NAN,
        above=0.0,
        maximum=1e9,
    )
    throughput_recorded: Bool = column(
        "boolean",
        "Public records show what language models reach on it; without any, estimates are lower.",
        default=False,
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Profiles:
    """Ways to run a model on a chip, and how fast: measured or fitted coefficients, or none.

    Times that are not given are estimated from ``chips`` and ``models``.
    """

    model: Labels = column("label", "Model, as in workloads.", required=True)
    chip: Labels = column("label", "Kind of chip, as in pools.", required=True)
    configuration: Labels = column(
        "label", "Name of the way to run it: parallelism, precision.", default="standard"
    )
    precision: Labels = column(
        "label", "Precision of weights and matrix rate.", default="fp8", choices=PRECISIONS
    )
    chips_per_replica: Float = column(
        "number",
        "Chips that one replica occupies.",
        unit="chips",
        required=True,
        above=0.0,
        maximum=1e6,
    )
    max_batch: Float = column(
        "number",
        "Most requests that one replica serves at a time; not given: as many as its memory holds.",
        unit="requests",
        default=NAN,
        minimum=1.0,
        maximum=65536.0,
        whole=True,
    )
    max_batch_at_tokens: Float = column(
        "number",
        "Output tokens of a request at which max_batch holds; of longer ones fewer fit, in "
        "proportion. Not given: max_batch holds for all.",
        unit="tokens",
        default=NAN,
        above=0.0,
    )
    decode_base_ms: Float = column(
        "number",
        "Time of a decode step, without what each request adds.",
        unit="ms",
        default=NAN,
        above=0.0,
        maximum=1e6,
    )
    decode_per_seq_ms: Float = column(
        "number",
        "What each request in the batch adds to a decode step.",
        unit="ms",
        default=NAN,
        minimum=0.0,
        maximum=1e6,
    )
    prefill_base_ms: Float = column(
        "number",
        "Time of a prefill, without what each token adds.",
        unit="ms",
        default=NAN,
        minimum=0.0,
        maximum=1e6,
    )
    prefill_per_token_ms: Float = column(
        "number",
        "What each input token that no cache answers adds to a prefill.",
        unit="ms/token",
        default=NAN,
        minimum=0.0,
        maximum=1e6,
    )
    batching: Labels = column(
        "label",
        "continuous: requests join and leave between steps; "
        "together: the state-dependent Markov queue.",
        default="continuous",
        choices=BATCHINGS,
    )
    max_queue: Float = column(
        "number",
        "Most requests that wait for one replica; more are turned away. Not given: no limit.",
        unit="requests",
        default=NAN,
        minimum=0.0,
        maximum=1e9,
        whole=True,
    )
    decode_efficiency: Float = column(
        "number",
        "Part of the roofline that decoding reaches, for estimates.",
        unit="fraction",
        default=NAN,
        above=0.0,
        maximum=1.0,
    )
    decode_efficiency_low: Float = column(
        "number", "Least thought possible.", unit="fraction", default=NAN, above=0.0, maximum=1.0
    )
    decode_efficiency_high: Float = column(
        "number", "Most thought possible.", unit="fraction", default=NAN, above=0.0, maximum=1.0
    )
    prefill_efficiency: Float = column(
        "number",
        "Part of the roofline that prefilling reaches, for estimates.",
        unit="fraction",
        default=NAN,
        above=0.0,
        maximum=1.0,
    )
    prefill_efficiency_low: Float = column(
        "number", "Least thought possible.", unit="fraction", default=NAN, above=0.0, maximum=1.0
    )
    prefill_efficiency_high: Float = column(
        "number", "Most thought possible.", unit="fraction", default=NAN, above=0.0, maximum=1.0
    )
    input_tokens_low: Float = column(
        "number",
        "Shortest mean input for which the numbers hold.",
        unit="tokens",
        default=NAN,
        minimum=0.0,
    )
    input_tokens_high: Float = column(
        "number",
        "Longest mean input for which the numbers hold.",
        unit="tokens",
        default=NAN,
        minimum=0.0,
    )
    output_tokens_low: Float = column(
        "number",
        "Shortest mean output for which the numbers hold.",
        unit="tokens",
        default=NAN,
        minimum=0.0,
    )
    output_tokens_high: Float = column(
        "number",
        "Longest mean output for which the numbers hold.",
        unit="tokens",
        default=NAN,
        minimum=0.0,
    )
    throughput_low: Float = column(
        "number",
        "Least throughput thought possible, as a part of the one that follows from the numbers.",
        unit="fraction",
        default=1.0,
        above=0.0,
        maximum=1.0,
    )
    throughput_high: Float = column(
        "number",
        "Most throughput thought possible, as a multiple of the one that follows from the numbers.",
        unit="multiple",
        default=1.0,
        minimum=1.0,
        maximum=1e3,
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Throughputs:
    """Measured rates of a replica by length of requests; they go before a profile's times."""

    model: Labels = column("label", "Model, as in profiles.", required=True)
    chip: Labels = column("label", "Kind of chip, as in profiles.", required=True)
    configuration: Labels = column("label", "Way to run it, as in profiles.", default="standard")
    input_tokens: Float = column(
        "number", "Input tokens of each request.", unit="tokens", required=True, minimum=0.0
    )
    output_tokens: Float = column(
        "number", "Output tokens of each request.", unit="tokens", required=True, minimum=0.0
    )
    requests_per_second: Float = column(
        "number",
        "Largest rate of one replica at these lengths; 0 = cannot serve them.",
        unit="requests/s",
        required=True,
        minimum=0.0,
        maximum=1e9,
    )
    ttft_ms: Float = column(
        "number", "Mean time to first token at that rate.", unit="ms", default=NAN, above=0.0
    )
    tpot_ms: Float = column(
        "number", "Mean time per output token at that rate.", unit="ms", default=NAN, above=0.0
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Round trip and transfer cost from where requests come from to where pools stand."""

    region: Labels = column("label", "Region of workloads.", required=True)
    pool_region: Labels = column("label", "Region of pools.", required=True)
    round_trip_ms: Float = column(
        "number", "Round trip.", unit="ms", required=True, minimum=0.0, maximum=1e6
    )
    usd_per_mtok: Float = column(
        "number",
        "Cost of moving a Mtok, such as egress.",
        unit="USD/Mtok",
        default=0.0,
        minimum=0.0,
        maximum=1e9,
    )
    source: Labels = column("label", _SOURCE, default="")
    basis: Labels = column("label", _BASIS, default="assumption", choices=BASES)


@dataclass(frozen=True, eq=False, kw_only=True)
class Exclusions:
    """Workloads that may not use some pools, by policy; an empty cell stands for all."""

    exclusion: Ids = column("id", "Name of the rule.", required=True)
    workload: Labels = column("label", "Workload.", default="")
    model: Labels = column("label", "Model of workloads.", default="")
    traffic_class: Labels = column("label", "Traffic class of workloads.", default="")
    region: Labels = column("label", "Region of workloads.", default="")
    provider: Labels = column("label", "Provider of pools.", default="")
    chip: Labels = column("label", "Chip of pools.", default="")
    pool_region: Labels = column("label", "Region of pools.", default="")
    pool: Labels = column("label", "Pool.", default="")
    reason: Labels = column("label", "Why, in a few words.", default="")
