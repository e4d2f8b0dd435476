"""Write the tables of the instance frontier-2026-05.

Usage: ``python make.py [FOLDER]`` (default: the folder of this file). Reads no file.
The same bytes come out on every run, so the committed files can be compared with what
this script writes. ``README.md`` explains the numbers.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
PERIODS = 168
HOURS = np.arange(PERIODS)
HOUR_OF_DAY = HOURS % 24
WEEKEND = HOURS >= 120  # period 0 is Monday 00:00 UTC

Float = NDArray[np.float64]
Rows = Iterable[Sequence[object]]
Rule = tuple[str, dict[str, str], str]
"""An exclusion: its name, the values it is about by column, why."""
Replicas = Mapping[str, Mapping[str, tuple[Any, ...]]]

HEAD = """\
format = 1
name = "frontier-2026-05"
title = "One week of a frontier lab's inference: Trainium, TPU v7 and GPU pools"
start = "2026-05-04T00:00:00Z"
period_hours = 1
periods = 168
"""

# --- demand -------------------------------------------------------------------------

WEEKLY_MTOK = 495e6
"""Tokens processed in the week, input (cached or not) and output; a choice of scale."""

MODEL_SHARE = {"opus": 0.26, "sonnet": 0.48, "haiku": 0.26}
CLASS_SHARE = {
    "opus": {"interactive": 0.30, "long_context": 0.20, "agentic": 0.40, "batch": 0.10},
    "sonnet": {"interactive": 0.30, "long_context": 0.14, "agentic": 0.40, "batch": 0.16},
    "haiku": {"interactive": 0.42, "long_context": 0.08, "agentic": 0.28, "batch": 0.22},
}
ORIGIN_SHARE = {"us-east": 0.34, "us-west": 0.23, "europe": 0.26, "asia-pacific": 0.17}
UTC_OFFSET = {"us-east": -4, "us-west": -7, "europe": 2, "asia-pacific": 9}
"""Hours of local time ahead of UTC in May (daylight saving where it applies)."""

CLASSES = ("interactive", "long_context", "agentic", "batch")

# input tokens, output tokens, cached part of the input
SHAPE = {
    "interactive": (1155, 211, 0.37),
    "long_context": (12035, 343, 0.37),
    "agentic": (8596, 182, 0.56),
    "batch": (2048, 424, 0.0),
}
SPREAD = {
    "interactive": (0.96, 0.77),
    "long_context": (1.31, 0.73),
    "agentic": (1.31, 0.73),
    "batch": (0.96, 0.77),
}
"""Standard deviation over mean of input and of output tokens: Azure 2023 conversations, and
Mooncake conversations, for agents too."""
TARGETS = {
    "opus": {"interactive": (4500, 80), "long_context": (6000, 175), "agentic": (4500, 80)},
    "sonnet": {"interactive": (1500, 40), "long_context": (6000, 80), "agentic": (2000, 40)},
    "haiku": {"interactive": (500, 30), "long_context": (2000, 80), "agentic": (2000, 30)},
}
PENALTY = {
    "opus": (20, 18, 15, 5),
    "sonnet": (12, 11, 10, 4),
    "haiku": (8, 8, 7, 3),
}
SLO_PERCENTILE = 95
BATCH_HOURS = 24
DEMAND_RANGE = (0.85, 1.2)
"""Least and most demand thought possible, as parts of the one stated; an assumption."""

# Curves computed from public hourly request counts; README.md says how. Every row runs
# over the 24 hours of a day; 1 is the mean of a working day.
# fmt: off
CONVERSATION = (
    (0.851, 0.974, 0.976, 0.799, 0.796, 0.865, 1.004, 1.034, 1.114, 1.016, 1.029, 1.082,
     1.151, 1.313, 1.440, 1.353, 1.175, 1.109, 1.099, 1.089, 1.044, 0.833, 0.807, 0.846),
    (0.944, 0.986, 1.026, 0.836, 0.824, 0.887, 1.025, 1.133, 1.128, 1.105, 1.039, 1.120,
     1.259, 1.324, 1.452, 1.364, 1.256, 1.172, 1.240, 1.142, 1.047, 0.919, 0.795, 0.748),
    (0.872, 0.940, 0.906, 0.744, 0.800, 0.844, 0.971, 1.041, 1.060, 1.076, 0.994, 1.041,
     1.183, 1.304, 1.333, 1.264, 1.151, 1.069, 1.124, 1.066, 0.918, 0.703, 0.664, 0.749),
    (0.872, 0.955, 0.974, 0.810, 0.797, 0.861, 1.065, 1.123, 1.211, 1.155, 0.922, 0.981,
     1.096, 1.297, 1.344, 1.188, 1.099, 1.071, 1.086, 1.004, 0.877, 0.773, 0.684, 0.749),
    (0.911, 0.966, 0.940, 0.763, 0.779, 0.880, 0.987, 1.074, 1.042, 1.046, 0.918, 0.912,
     1.020, 1.127, 1.117, 1.076, 0.997, 0.970, 0.863, 0.799, 0.767, 0.620, 0.532, 0.515),
    (0.492, 0.520, 0.497, 0.442, 0.408, 0.418, 0.436, 0.496, 0.498, 0.473, 0.488, 0.548,
     0.575, 0.715, 0.662, 0.680, 0.646, 0.668, 0.673, 0.620, 0.610, 0.594, 0.553, 0.667),
)
"""Azure 2024 conversations: Monday to Friday as observed, then Sunday."""
OFFICE = (
    0.761, 0.708, 0.584, 0.471, 0.436, 0.459, 0.538, 0.578, 0.645, 1.072, 1.355, 1.370,
    0.955, 1.161, 1.523, 1.675, 1.764, 1.493, 1.088, 1.193, 1.224, 1.108, 0.962, 0.879,
)
"""Mean of the Azure working day and the BurstGPT conversation day."""
STEADY = (
    0.994, 1.002, 0.986, 0.936, 0.908, 0.883, 0.854, 0.817, 0.788, 0.868, 1.046, 1.106,
    0.971, 0.981, 1.047, 1.047, 1.109, 1.078, 1.040, 1.143, 1.133, 1.074, 1.103, 1.086,
)
"""ServeGen m-large."""
PIPELINE = (
    1.010, 1.043, 1.147, 1.170, 1.021, 0.937, 0.981, 1.061, 0.979, 0.993, 1.106, 1.111,
    0.955, 1.128, 1.058, 0.848, 0.841, 0.925, 0.902, 0.890, 1.014, 0.933, 0.927, 1.021,
)
"""ServeGen m-mid."""
# fmt: on
WEEKEND_LEVEL = 0.557
"""Azure 2024: Sunday's requests over those of a mean working day."""

# --- pools --------------------------------------------------------------------------

POOL_COLUMNS = (
    "pool",
    "provider",
    "chip",
    "region",
    "purchase",
    "usd_per_chip_hour",
    "usd_per_chip_hour_low",
    "usd_per_chip_hour_high",
    "status",
    "source",
    "basis",
)

# name: provider, chip, region, purchase, price, low, high, status, source, basis
POOLS: dict[str, tuple[str, str, str, str, str, str, str, str, str, str]] = {
    "aws-trn2-us-east-2": (
        "AWS",
        "Trainium2",
        "us-east-2",
        "reserved",
        "1.65",
        "1.35",
        "2.235",
        "available",
        "trn2-preferential",
        "assumption",
    ),
    "aws-trn2-us-east-1": (
        "AWS",
        "Trainium2",
        "us-east-1",
        "reserved",
        "1.65",
        "1.35",
        "2.235",
        "available",
        "trn2-preferential",
        "assumption",
    ),
    "aws-trn2-us-east-2-block": (
        "AWS",
        "Trainium2",
        "us-east-2",
        "on_demand",
        "2.235",
        "2.235",
        "2.682",
        "available",
        "aws-capacity-blocks",
        "published",
    ),
    "aws-trn2-ap-southeast-4-block": (
        "AWS",
        "Trainium2",
        "ap-southeast-4",
        "on_demand",
        "2.235",
        "2.235",
        "2.682",
        "available",
        "aws-capacity-blocks",
        "published",
    ),
    "aws-trn3-us-west-2": (
        "AWS",
        "Trainium3",
        "us-west-2",
        "reserved",
        "2.6",
        "2",
        "3.5",
        "available",
        "trn3-price",
        "assumption",
    ),
    "google-tpu7-us-central1": (
        "Google",
        "TPU v7",
        "us-central1",
        "reserved",
        "5.4",
        "4.4",
        "8.4",
        "available",
        "tpu7-price",
        "assumption",
    ),
    "google-tpu7-us-east1": (
        "Google",
        "TPU v7",
        "us-east1",
        "reserved",
        "5.4",
        "4.4",
        "8.4",
        "available",
        "tpu7-price",
        "assumption",
    ),
    "google-tpu7-europe-west2": (
        "Google",
        "TPU v7",
        "europe-west2",
        "reserved",
        "5.6",
        "4.6",
        "8.7",
        "available",
        "tpu7-price",
        "assumption",
    ),
    "google-tpu7-us-central1-spot": (
        "Google",
        "TPU v7",
        "us-central1",
        "spot",
        "5",
        "2.6",
        "7.9",
        "available",
        "tpu7-price",
        "assumption",
    ),
    "google-h200-us-east4-spot": (
        "Google",
        "H200",
        "us-east4",
        "spot",
        "5.6357",
        "5.6357",
        "6.2607",
        "available",
        "google-h200",
        "published",
    ),
    "coreweave-h200-us-east": (
        "CoreWeave",
        "H200",
        "coreweave-us-east",
        "on_demand",
        "6.305",
        "2.616",
        "6.305",
        "available",
        "coreweave",
        "published",
    ),
    "coreweave-b200-us-west": (
        "CoreWeave",
        "B200",
        "coreweave-us-west",
        "reserved",
        "7.31",
        "3.44",
        "8.6",
        "available",
        "coreweave-reserved",
        "assumption",
    ),
    "coreweave-b200-europe": (
        "CoreWeave",
        "B200",
        "coreweave-europe",
        "on_demand",
        "8.6",
        "4.264",
        "8.6",
        "available",
        "coreweave",
        "published",
    ),
    "hyperstack-b200-europe": (
        "Hyperstack",
        "B200",
        "hyperstack-europe",
        "on_demand",
        "6",
        "4.5",
        "7.5",
        "available",
        "hyperstack",
        "published",
    ),
    "azure-maia200-centralus": (
        "Azure",
        "Maia 200",
        "centralus",
        "on_demand",
        "",
        "",
        "",
        "in_talks",
        "maia-price",
        "assumption",
    ),
    "azure-maia200-westus3": (
        "Azure",
        "Maia 200",
        "westus3",
        "on_demand",
        "",
        "",
        "",
        "in_talks",
        "maia-price",
        "assumption",
    ),
}

CHIPS = {
    "aws-trn2-us-east-2": 128_000,
    "aws-trn2-us-east-1": 58_000,
    "aws-trn2-us-east-2-block": 44_000,
    "aws-trn2-ap-southeast-4-block": 16_000,
    "aws-trn3-us-west-2": 24_000,
    "google-tpu7-us-central1": 68_000,
    "google-tpu7-us-east1": 36_000,
    "google-tpu7-europe-west2": 30_000,
    "google-tpu7-us-central1-spot": 11_000,
    "google-h200-us-east4-spot": 14_000,
    "coreweave-h200-us-east": 36_000,
    "coreweave-b200-us-west": 5_000,
    "coreweave-b200-europe": 22_000,
    "hyperstack-b200-europe": 8_000,
    "azure-maia200-centralus": 44_000,
    "azure-maia200-westus3": 22_000,
}
"""Chips at full size; what can be used in an hour is less, see :func:`capacity_of`."""

EUROPE = ("europe-west2", "coreweave-europe", "hyperstack-europe")
UNITED_STATES = (
    "us-east-2",
    "us-east-1",
    "us-west-2",
    "us-central1",
    "us-east1",
    "us-east4",
    "coreweave-us-east",
    "coreweave-us-west",
    "centralus",
    "westus3",
)

# --- chips and models -----------------------------------------------------------------

# chip: GB, TB/s, BF16, FP8, FP4 TFLOP/s, chips joined by the fast network, whether throughput of
# language models is on public record, source, basis
CHIPS_OF: dict[str, tuple[Any, ...]] = {
    "Trainium2": (96, 2.9, 667, 1299, "", 64, "false", "trainium2-sheet", "published"),
    "Trainium3": (144, 4.9, 671, 2517, 2517, 64, "false", "trainium3-sheet", "published"),
    "TPU v7": (192, 7.37, 2307, 4614, "", 9216, "true", "tpu7-sheet", "published"),
    "H200": (141, 4.8, 989, 1979, "", 8, "true", "h200-sheet", "published"),
    "B200": (180, 7.7, 2250, 4500, 9000, 8, "true", "b200-sheet", "published"),
    "Maia 200": (216, 7.0, 1268, 5072, 10145, 6144, "false", "maia-sheet", "vendor_claim"),
}

# model: 1e9 parameters, of them active, of them held by every chip; bytes of the cache per
# token; attention FLOP per token and token of context, decoding and prefilling
MODELS = {
    "opus-class": (1600, 300, 8, 110_000, 3.0e6, 3.0e6),
    "sonnet-class": (280, 112, 3, 70_000, 1.6e6, 1.6e6),
    "haiku-class": (100, 26, 1.5, 40_000, 0.8e6, 0.8e6),
}

# chip: part of the roofline that decoding and prefilling reach (low, centre, high), source
EFFICIENCY = {
    "Trainium2": ((0.30, 0.40, 0.50), (0.25, 0.33, 0.45), "neuron-latency"),
    "Trainium3": ((0.22, 0.30, 0.45), (0.18, 0.25, 0.40), "neuron-latency"),
    "TPU v7": ((0.28, 0.35, 0.50), (0.15, 0.17, 0.30), "tpu-recipes"),
    "H200": ((0.36, 0.45, 0.60), (0.30, 0.40, 0.55), "mlperf-5.1"),
    "B200": ((0.15, 0.20, 0.30), (0.10, 0.13, 0.24), "mlperf-5.1"),
    "Maia 200": ((0.20, 0.30, 0.45), (0.15, 0.20, 0.35), "maia-sheet"),
}
ACROSS_NODES = 0.85
"""Factor on both where a replica is larger than the fast network of its chips."""

# model, chip: precision, then chips per replica of each configuration
REPLICAS: Replicas = {
    "opus-class": {
        "Trainium2": ("fp8", 64),
        "Trainium3": ("fp8", 64),
        "TPU v7": ("fp8", 32, 64),
        "H200": ("fp8", 32),
        "B200": ("fp4", 16, 32),
        "Maia 200": ("fp8", 32, 64),
    },
    "sonnet-class": {
        "Trainium2": ("fp8", 16),
        "Trainium3": ("fp8", 16, 32),
        "TPU v7": ("fp8", 8, 16),
        "H200": ("fp8", 8, 16),
        "B200": ("fp4", 8),
        "Maia 200": ("fp8", 16),
    },
    "haiku-class": {
        "Trainium2": ("fp8", 8, 16),
        "Trainium3": ("fp8", 8, 16),
        "TPU v7": ("fp8", 4, 8),
        "H200": ("fp8", 4, 8),
        "B200": ("fp4", 4, 8),
        "Maia 200": ("fp8", 8),
    },
}

CHIP_COLUMNS = (
    "chip",
    "memory_gb",
    "memory_tb_per_second",
    "bf16_tflops",
    "fp8_tflops",
    "fp4_tflops",
    "chips_per_domain",
    "throughput_recorded",
    "source",
    "basis",
)
MODEL_COLUMNS = (
    "model",
    "parameters_billion",
    "active_parameters_billion",
    "replicated_parameters_billion",
    "kv_bytes_per_token",
    "attention_flops_decode",
    "attention_flops_prefill",
    "source",
    "basis",
)
PROFILE_COLUMNS = (
    "model",
    "chip",
    "configuration",
    "precision",
    "chips_per_replica",
    "decode_efficiency_low",
    "decode_efficiency",
    "decode_efficiency_high",
    "prefill_efficiency_low",
    "prefill_efficiency",
    "prefill_efficiency_high",
    "source",
    "basis",
)

# --- network and policy -------------------------------------------------------------

BLOCKS = ("aws-trn2-us-east-2-block", "aws-trn2-ap-southeast-4-block")
"""Sold as 16-chip instances, so too small for Opus-class and for long contexts."""

ROUND_TRIP_MS = {
    "us-east-2": (11, 51, 96, 155),
    "us-east-1": (2, 60, 86, 152),
    "us-west-2": (73, 21, 158, 101),
    "ap-southeast-4": (198, 137, 282, 104),
    "us-central1": (25, 36, 102, 127),
    "us-east1": (13, 59, 94, 155),
    "europe-west2": (76, 129, 10, 215),
    "us-east4": (2, 60, 84, 146),
    "coreweave-us-east": (2, 60, 86, 152),
    "coreweave-us-west": (60, 2, 146, 112),
    "coreweave-europe": (76, 137, 15, 209),
    "hyperstack-europe": (71, 141, 24, 204),
    "centralus": (25, 36, 102, 127),
    "westus3": (60, 25, 137, 98),
}
"""By region of the pool: round trip from us-east, us-west, europe, asia-pacific."""

LONGEST_TRIP_MS = {"interactive": 130, "long_context": 130, "agentic": 130, "batch": 400}

BYTES_PER_TOKEN = 4
USD_PER_GB = {"AWS": 0.02, "Google": 0.02, "CoreWeave": 0.09, "Hyperstack": 0.09, "Azure": 0.09}
"""Order of published transfer rates: within a large cloud, and to another cloud."""
NEARBY_MS = 30
"""A pool this near to the users is taken as local: no transfer between regions."""

NETWORK_COLUMNS = ("region", "pool_region", "round_trip_ms", "usd_per_mtok", "source", "basis")
EXCLUSION_COLUMNS = (
    "exclusion",
    "model",
    "traffic_class",
    "region",
    "chip",
    "pool_region",
    "pool",
    "reason",
)
PEAK_CHIPS = ("H200", "B200")
BLOCK_REASON = "sold as instances of 16 chips"

SHARES = (
    # share, attribute, value, measure, min, max
    ("aws-compute", "provider", "AWS", "compute", "", "0.62"),
    ("google-compute", "provider", "Google", "compute", "", "0.4"),
    ("google-spend-commitment", "provider", "Google", "spend", "0.3", "0.65"),
    ("coreweave-spend-commitment", "provider", "CoreWeave", "spend", "0.05", ""),
    ("hyperstack-spend", "provider", "Hyperstack", "spend", "", "0.025"),
    ("one-site-tokens", "region", "us-east-2", "tokens", "", "0.4"),
)

SOURCES = (
    # source, address, note
    (
        "aws-capacity-blocks",
        "https://github.com/koyakimu/ec2-capacity-blocks-for-ml-pricing-json/blob/"
        "23bac71b9e681348af55c2228af45c5b58d176a2/data/pricing.json",
        "Trainium2 in us-east-2 and ap-southeast-4 at 2.235 USD per chip-hour, January 2026. "
        "High: 20 percent more, the rise of the other blocks by September 2026.",
    ),
    (
        "trn2-preferential",
        "https://thesummerai.com/anthropic-amazon-deal/",
        "The page gives the size and length of the agreement, not a price. 1.65 is an assumption: "
        "26 percent below the published block price. Low 1.35 (40 percent below), high the block "
        "price.",
    ),
    (
        "trn3-price",
        "https://awsdocs-neuron.readthedocs-hosted.com/en/latest/about-neuron/arch/"
        "neuron-hardware/trn3-arch.html",
        "The page gives the chip; no price is published. 2.60 is an assumption: about 1.6 times "
        "the assumed Trainium2 price for 1.9 times the FP8 rate and 1.7 times the bandwidth.",
    ),
    (
        "tpu7-price",
        "https://docs.cloud.google.com/tpu/docs/tpu7x",
        "The page gives the chip; no price was found in a source. 5.40 for a long commitment, "
        "5.60 in London and 5.00 for spot are assumptions, and so are their ranges.",
    ),
    (
        "google-h200",
        "https://huggingface.co/datasets/tanod/cloud-gpu-list-prices",
        "H200 spot, October 2026: 5.6357 in us-east4; high: 6.2607 in us-central1.",
    ),
    (
        "coreweave",
        "https://github.com/api-evangelist/coreweave/blob/"
        "27bcc25e6b1936055be7a93d6ea2d0f6a6d9d084/plans/coreweave-plans-pricing.yml",
        "On demand, September 2026: H200 6.305, B200 8.60. Low: spot, 2.616 and 4.264.",
    ),
    (
        "coreweave-reserved",
        "https://github.com/api-evangelist/coreweave/blob/"
        "27bcc25e6b1936055be7a93d6ea2d0f6a6d9d084/plans/coreweave-plans-pricing.yml",
        "The page promises up to 60 percent off for reserved use (low 3.44). 7.31 is an "
        "assumption: 15 percent off 8.60.",
    ),
    (
        "hyperstack",
        "https://raw.githubusercontent.com/api-evangelist/nexgen-cloud/refs/heads/main/plans/"
        "nexgen-cloud-plans-pricing.yml",
        "B200 on demand 6.00, August 2026. Low and high: 25 percent either way, assumption.",
    ),
    (
        "maia-price",
        "https://chatforest.com/reviews/"
        "anthropic-microsoft-maia-200-azure-claude-inference-chip-talks-2026/",
        "Talks, two regions (Iowa, Phoenix), inference only. No price is published, so there is "
        "none here and no range either; the number of chips is an assumption.",
    ),
    (
        "round-trips",
        "https://github.com/vitorenesduarte/fantoch/tree/aea6e324fdce7802976cbafa88a516ed40609ce9",
        "Measured round trips between regions of AWS and of Google (June 2020). Clouds that are "
        "not in it take the nearest region that is.",
    ),
    (
        "azure-trace",
        "https://github.com/Azure/AzurePublicDataset",
        "Conversation requests per hour, 12 to 17 May 2024 (CC-BY-4.0); mean lengths of the 2023 "
        "conversation trace: 1,155 in, 211 out; standard deviation over mean 0.96 and 0.77.",
    ),
    (
        "burstgpt",
        "https://github.com/HPMLL/BurstGPT",
        "Conversation requests by hour of day, 14 days (CC-BY-4.0).",
    ),
    (
        "servegen",
        "https://github.com/alibaba/ServeGen/tree/f891d1189eb32b3868dfc443800c4150548c282a/data",
        "Requests by hour of day of two production models, 14 days (Apache-2.0).",
    ),
    (
        "mooncake",
        "https://github.com/kvcache-ai/Mooncake/tree/3b5a594133958449a1feaf1c9e0fc1b553e34a28/"
        "FAST25-release",
        "Mean lengths of long conversations (12,035 in, 343 out) and of tool and agent calls "
        "(8,596 in, 182 out); 37 percent of input tokens answered by an ideal prefix cache. Long "
        "conversations: standard deviation over mean 1.31 in, 0.73 out.",
    ),
    (
        "mlperf-rules",
        "https://github.com/mlcommons/inference_policies/blob/"
        "ac93e89c0c9a8819eb0ad987768c2f6e22896714/inference_rules.adoc",
        "Limits on time to first token and time per output token, from which the promises of the "
        "workloads are taken.",
    ),
    (
        "deepseek",
        "https://github.com/deepseek-ai/open-infra-index/blob/main/202502OpenSourceWeek/"
        "day_6_one_more_thing_deepseekV3R1_inference_system_overview.md",
        "56 percent of input tokens answered by a cache in production; fleet peak 1.23 of mean.",
    ),
    (
        "rainier",
        "https://www.semafor.com/article/10/29/2025/"
        "aws-massive-multi-state-ai-data-center-is-powering-anthropics-claude",
        "Sites of Project Rainier; part of the chips goes to training in the evening.",
    ),
)

SERVING_SOURCES = (
    (
        "trainium2-sheet",
        "https://awsdocs-neuron.readthedocs-hosted.com/en/v2.29.0/_sources/about-neuron/arch/"
        "neuron-hardware/trainium2.rst",
        "Memory, bandwidth, BF16 and FP8 rates; no FP4. 64 chips in an UltraServer.",
    ),
    (
        "trainium3-sheet",
        "https://awsdocs-neuron.readthedocs-hosted.com/en/v2.29.1/_sources/about-neuron/arch/"
        "neuron-hardware/trainium3.rst",
        "Memory, bandwidth, BF16, FP8 and FP4 rates (the last two alike). 64 chips in an "
        "UltraServer of the first generation.",
    ),
    (
        "tpu7-sheet",
        "https://docs.cloud.google.com/tpu/docs/tpu7x",
        "Memory, BF16 and FP8 rates, 9,216 chips in a pod. Bandwidth 7.37 TB/s: "
        "https://dreaming.press/posts/tpu-vs-gpu-llm-inference.html",
    ),
    (
        "h200-sheet",
        "https://tadata.fr/posts/ai-hardware-compute",
        "Memory, bandwidth, BF16; FP8: https://github.com/koyakimu/aws-gpu-quick-reference/blob/"
        "099b5be132b0032dd7878fa0da62d528ae85327d/data/instances.json",
    ),
    (
        "b200-sheet",
        "https://verda.com/blog/gb300-nvl72-architecture",
        "180 GB of 192 can be used; bandwidth, BF16, FP8 and FP4 rates, dense.",
    ),
    (
        "maia-sheet",
        "https://nnewstech.blogspot.com/2026/01/microsoft-unveils-maia-200-3nm-ai.html",
        "Memory, bandwidth, FP8 and FP4 as the vendor says. The BF16 rate is not published: 1,268, "
        "a quarter of FP8, is an assumption, and so are the parts of the roofline reached.",
    ),
    (
        "model-sizes",
        "https://mlcommons.org/2025/09/deepseek-inference-5-1/",
        "No lab publishes the size of these models. The sizes are assumptions: mixtures of experts "
        "as the one at this address (671e9 parameters, 37e9 active), larger or smaller.",
    ),
    (
        "neuron-latency",
        "https://github.com/aws-neuron/aws-neuron-sdk/tree/"
        "81ce03ae261e12925e53437a0f690478e6366155/libraries/nxd-inference/tutorials",
        "Trainium2, one request at a time: 0.15 (70B) and 0.46 (405B) of the roofline. No record "
        "of throughput is published, so the parts reached are assumptions within that range.",
    ),
    (
        "tpu-recipes",
        "https://github.com/AI-Hypercomputer/tpu-recipes/tree/"
        "c8cfe2f689081d36701a101cd73a70965d80926b/inference/ironwood/vLLM",
        "Output tokens per second of TPU v7: 0.35 to 0.56 of the roofline for mixtures of experts "
        "with prefilling and decoding together. Prefilling alone: see deepseek.",
    ),
    (
        "mlperf-5.1",
        "https://github.com/ntuhpc/inference_results_v5.1/blob/main/summary_results.json",
        "Offline records: H200 0.49 to 0.64 of the roofline (dense, FP8), B200 0.13 (DeepSeek-R1, "
        "FP4) to 0.41 (dense, FP4).",
    ),
)


def week_of(day: Sequence[float], level: float) -> Float:
    """Five working days and two days at a level, scaled to mean 1."""
    week = np.concatenate([np.tile(day, 5), np.tile(day, 2) * level])
    return np.asarray(week / week.mean())


def curves() -> dict[str, Float]:
    """Hour-of-week curve of each traffic class, mean 1, Monday 00:00 local time first."""
    days = np.array(CONVERSATION)
    conversation = np.concatenate([days.ravel(), days[-1]])  # Saturday as Sunday
    # Machines rest less than people: halfway between the weekend level and 1.
    machine_level = (1 + WEEKEND_LEVEL) / 2
    return {
        "interactive": conversation / conversation.mean(),
        "long_context": week_of(OFFICE, WEEKEND_LEVEL),
        "agentic": week_of(STEADY, machine_level),
        "batch": week_of(PIPELINE, machine_level),
    }


def workloads() -> list[tuple[str, str, str, str]]:
    """Name, model, traffic class and origin of every workload, in order."""
    return [
        (f"{model}-{kind.replace('_', '-')}-{origin}", model, kind, origin)
        for model in MODEL_SHARE
        for kind in CLASSES
        for origin in ORIGIN_SHARE
    ]


def workload_rows() -> Rows:
    """Rows of the table workloads."""
    for name, model, kind, origin in workloads():
        tokens_in, tokens_out, cached = SHAPE[kind]
        first, each = TARGETS[model].get(kind, ("", ""))
        source = "azure-trace" if kind in ("interactive", "batch") else "mooncake"
        yield (
            name,
            f"{model}-class",
            kind,
            origin,
            PENALTY[model][CLASSES.index(kind)],
            BATCH_HOURS if kind == "batch" else 0,
            tokens_in,
            tokens_out,
            cached,
            *SPREAD[kind],
            first,
            each,
            SLO_PERCENTILE if first else "",
            LONGEST_TRIP_MS[kind],
            *DEMAND_RANGE,
            source,
            "assumption",
        )


def demand_rows() -> Rows:
    """Mtok per hour: the local curve of the class, moved to UTC, times the scale."""
    curve = curves()
    for name, model, kind, origin in workloads():
        mean = (
            WEEKLY_MTOK
            / PERIODS
            * MODEL_SHARE[model]
            * CLASS_SHARE[model][kind]
            * ORIGIN_SHARE[origin]
        )
        # Local hour h + offset is UTC hour h; the week is taken as a circle.
        local = (HOURS + UTC_OFFSET[origin]) % PERIODS
        yield (name, *(f"{value:.1f}" for value in mean * curve[kind][local]))


def window(first: int, last: int) -> NDArray[np.bool_]:
    """Hours of the week from first up to, but not including, last."""
    return np.asarray((first <= HOURS) & (last > HOURS))


def bump(start: int, end: int) -> Float:
    """0 outside the hours of day from start to end (UTC), rising to 1 halfway between."""
    inside = (start <= HOUR_OF_DAY) & (end > HOUR_OF_DAY)
    phase = (HOUR_OF_DAY + 0.5 - start) / (end - start)
    return np.where(inside, np.sin(np.pi * phase), 0.0)


def trainium_factor(pool: str) -> Float:
    """Reserved Trainium: training takes chips at night and at weekends, and repairs."""
    night = (HOUR_OF_DAY >= 4) & (HOUR_OF_DAY < 11)  # 00:00 to 07:00 in the eastern US
    factor = np.where(WEEKEND, 0.66, np.where(night, 0.94, 1.0))
    begin = {"aws-trn2-us-east-2": 30, "aws-trn2-us-east-1": 54}.get(pool, 80)
    return np.where(window(begin, begin + 6), factor - 0.06, factor)


def tpu_factor(pool: str) -> Float:
    """Reserved TPU v7: the owner's own models take chips in its busy hours."""
    busy = bump(7, 17) if "europe" in pool else bump(14, 24)
    weekday = 1.0 - 0.10 * busy
    return np.where(WEEKEND, 0.72 - 0.04 * busy, weekday)


def spot_factor(pool: str) -> Float:
    """Spot: two tides of different length; less in the working day."""
    shift = 5.0 if "tpu7" in pool else 11.0
    tide = 0.20 * np.sin(2 * np.pi * (HOURS + shift) / 31) + 0.15 * np.sin(2 * np.pi * HOURS / 13)
    return np.clip(0.70 + tide - 0.25 * bump(13, 23), 0.05, 1.0)


def maia_factor(pool: str) -> Float:
    """Maia 200: racks are handed over day by day; Phoenix starts on Wednesday."""
    day = HOURS // 24
    first = 2 if "westus3" in pool else 0
    return np.clip((day - first + 1) / (7 - first), 0.0, 1.0)


def block_factor() -> Float:
    """Capacity blocks: bought for the working week; they end at 11:30 UTC on Saturday."""
    return np.where(window(0, 131), 1.0, 0.6)


def capacity_of(pool: str) -> Float:
    """Chips of a pool that can be used in every hour."""
    if "maia" in pool:
        factor = maia_factor(pool)
    elif pool.endswith("-spot"):
        factor = spot_factor(pool)
    elif pool in BLOCKS:
        factor = block_factor()
    elif "trn" in pool:
        factor = trainium_factor(pool)
    elif "tpu7" in pool:
        factor = tpu_factor(pool)
    else:
        factor = np.where(window(98, 102), 0.9, 1.0)  # four hours of repairs on Friday
    return np.round(CHIPS[pool] * factor / 16) * 16  # whole 16-chip units everywhere


def capacity_rows() -> Rows:
    """Rows of the table capacity."""
    for pool in POOLS:
        yield (pool, *(f"{value:.0f}" for value in capacity_of(pool)))


def pool_rows() -> Rows:
    """Rows of the table pools."""
    for pool, values in POOLS.items():
        yield (pool, *values)


def transfer_usd(provider: str, trip_ms: float) -> float:
    """Cost of moving a Mtok between regions, USD; nothing when the pool is local."""
    if trip_ms < NEARBY_MS:
        return 0.0
    return BYTES_PER_TOKEN * 1e6 / 1e9 * USD_PER_GB[provider]


def residency_rows() -> Rows:
    """European conversations and long contexts stay in Europe; some agents in the US."""
    for name, model, kind, origin in workloads():
        if origin == "europe" and kind in ("interactive", "long_context"):
            for region in EUROPE:
                yield name, region
        if origin == "us-east" and kind == "agentic" and model == "opus":
            for region in UNITED_STATES:
                yield name, region


def network_rows() -> Rows:
    """Rows of the table network: every origin to every region of pools."""
    providers = {region: provider for provider, _, region, *_ in POOLS.values()}
    for region, trips in ROUND_TRIP_MS.items():
        for origin, trip in zip(ORIGIN_SHARE, trips, strict=True):
            usd = f"{transfer_usd(providers[region], trip):.5g}"
            yield origin, region, trip, usd, "round-trips", "published"


def common_rules(kinds: Iterable[str]) -> list[Rule]:
    """Exclusions by traffic class, for the classes that are there."""
    rules: list[Rule] = []
    for kind in kinds:
        word = kind.replace("_", "-")
        if kind == "batch":
            for chip in PEAK_CHIPS:
                where = {"traffic_class": kind, "chip": chip}
                reason = "kept for peaks; batch waits for cheaper hours"
                rules.append((f"batch-not-on-{chip.lower()}", where, reason))
            continue
        if kind == "long_context":
            for pool in BLOCKS:
                where = {"traffic_class": kind, "pool": pool}
                rules.append((f"{pool}-not-{word}", where, BLOCK_REASON))
        for origin in ORIGIN_SHARE:
            for region in EUROPE:
                if origin != "europe":
                    where = {"traffic_class": kind, "region": origin, "pool_region": region}
                    reason = "Europe is short of chips"
                    rules.append((f"{region}-not-{word}-{origin}", where, reason))
    return rules


def model_rules() -> list[Rule]:
    """Exclusions of Opus-class."""
    opus = {"model": "opus-class"}
    long = {**opus, "traffic_class": "long_context", "chip": "Trainium2"}
    return [
        *((f"{pool}-not-opus", {**opus, "pool": pool}, BLOCK_REASON) for pool in BLOCKS),
        ("trainium2-not-opus-long-context", long, "kept for chips with more memory"),
    ]


def exclusion_rows(rules: Iterable[Rule]) -> Rows:
    """Rows of the table exclusions: pairs left out by policy, though fast and near enough."""
    for name, where, reason in rules:
        yield (name, *(where.get(column, "") for column in EXCLUSION_COLUMNS[1:-1]), reason)


def model_rows(models: Mapping[str, Sequence[float]]) -> Rows:
    """Rows of the table models."""
    for model, sizes in models.items():
        yield (model, *(f"{size:g}" for size in sizes), "model-sizes", "assumption")


def profile_rows(replicas: Replicas) -> Rows:
    """Rows of the table profiles: every model on every chip, one way or more."""
    for model, chips in replicas.items():
        for chip, (precision, *sizes) in chips.items():
            decode, prefill, source = EFFICIENCY[chip]
            joined = CHIPS_OF[chip][CHIP_COLUMNS.index("chips_per_domain") - 1]
            for size in sizes:
                part = 1.0 if size <= joined else ACROSS_NODES
                yield (
                    model,
                    chip,
                    f"{size}-{precision}",
                    precision,
                    size,
                    *(f"{value * part:.4g}" for value in (*decode, *prefill)),
                    source,
                    "estimate",
                )


def write_table(folder: Path, name: str, header: Sequence[object], rows: Rows) -> None:
    """Write one CSV table with LF line ends."""
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_week(folder: Path) -> None:
    """Write instance.toml, demand, pools and rules into a folder: all but what a chip delivers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instance.toml").write_text(HEAD, encoding="utf-8", newline="\n")
    periods = range(PERIODS)
    write_table(
        folder,
        "workloads",
        (
            "workload",
            "model",
            "traffic_class",
            "region",
            "unserved_usd_per_mtok",
            "deadline_periods",
            "input_tokens",
            "output_tokens",
            "cached_input_fraction",
            "input_tokens_cv",
            "output_tokens_cv",
            "ttft_ms",
            "tpot_ms",
            "slo_percentile",
            "max_round_trip_ms",
            "demand_low",
            "demand_high",
            "source",
            "basis",
        ),
        workload_rows(),
    )
    write_table(
        folder,
        "pools",
        POOL_COLUMNS,
        pool_rows(),
    )
    write_table(folder, "demand", ("workload", *periods), demand_rows())
    write_table(folder, "capacity", ("pool", *periods), capacity_rows())
    write_table(folder, "shares", ("share", "attribute", "value", "measure", "min", "max"), SHARES)
    write_table(folder, "residency", ("workload", "region"), residency_rows())


def write_serving(
    folder: Path,
    models: Mapping[str, Sequence[float]],
    replicas: Replicas,
    rules: Iterable[Rule],
) -> None:
    """Write the tables from which routes are derived."""
    write_table(folder, "chips", CHIP_COLUMNS, ((chip, *row) for chip, row in CHIPS_OF.items()))
    write_table(folder, "models", MODEL_COLUMNS, model_rows(models))
    write_table(folder, "profiles", PROFILE_COLUMNS, profile_rows(replicas))
    write_table(folder, "network", NETWORK_COLUMNS, network_rows())
    write_table(folder, "exclusions", EXCLUSION_COLUMNS, exclusion_rows(rules))


def write_instance(folder: Path) -> None:
    """Write every table and instance.toml into a folder."""
    write_week(folder)
    write_serving(folder, MODELS, REPLICAS, (*common_rules(CLASSES), *model_rules()))
    write_table(folder, "sources", ("source", "address", "note"), (*SOURCES, *SERVING_SOURCES))


if __name__ == "__main__":
    write_instance(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
