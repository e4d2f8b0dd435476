"""Published throughput records beside what the roofline makes of the same chips and models.

``python -m optimizer.serving.calibration`` prints the table of ``docs/serving.md``: output tokens
per second and chip, the roofline's at full efficiency and with the default efficiency of the
class, and the ratios. The defaults of ``efficiency.py`` were taken from these records, so that the
table shows how far single records lie from the middle of their class, and is no test of new ones.

Lengths of MLPerf requests: outputs as its rules give them, mean inputs of its data sets from
public descriptions, which are less sure. Shapes of models are those of their public
configurations; caches hold FP8, except where weights are BF16.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optimizer.serving.efficiency import DECODE_DENSE, DECODE_MOE, PREFILL_DENSE, PREFILL_MOE
from optimizer.serving.roofline import BYTES_PER_PARAMETER, Task, roof

MLPERF_5_1 = "https://github.com/ntuhpc/inference_results_v5.1/blob/main/summary_results.json"
MLPERF_6_1 = (
    "https://github.com/mlcommons/inference_results_v6.1/blob/"
    "10ecdffda3bb94d71f0203a6ca8e20c17943f27c/summary.json"
)
RECIPES = (
    "https://github.com/AI-Hypercomputer/tpu-recipes/tree/"
    "c8cfe2f689081d36701a101cd73a70965d80926b/inference"
)


@dataclass(frozen=True)
class Chip:
    """Memory in GB, its rate in TB/s, matrix rates in TFLOP/s."""

    memory_gb: float
    memory_tb_per_second: float
    bf16: float
    fp8: float
    fp4: float = float("nan")


@dataclass(frozen=True)
class Model:
    """Parameters in 1e9, cache bytes per token at FP8, attention FLOP per token and context."""

    parameters: float
    active: float
    replicated: float
    kv_bytes: float
    decode_flops: float
    prefill_flops: float


@dataclass(frozen=True)
class Record:
    """A published rate: who, on what, how, and output tokens per second and chip."""

    name: str
    chip: str
    model: str
    precision: str
    chips: int
    input_tokens: float
    output_tokens: float
    tokens_per_second: float
    source: str
    batch: float = float("inf")


CHIPS = {
    "H100": Chip(80, 3.35, 989, 1979),
    "H200": Chip(141, 4.8, 989, 1979),
    "B200": Chip(180, 7.7, 2250, 4500, 9000),
    "B300": Chip(270, 7.7, 2250, 4500, 13500),
    "GB200": Chip(186, 7.7, 2500, 5000, 10000),
    "GB300": Chip(279, 8.0, 2500, 5000, 15000),
    "TPU v6e": Chip(32, 1.6, 918, 918),
    "TPU v7": Chip(192, 7.37, 2307, 4614),
}
MODELS = {
    # Keys and values of 8 heads of 128 in each layer; 4 FLOP per layer and width of all heads.
    "Llama 70B": Model(70, 70, 0, 2 * 80 * 8 * 128, 4 * 80 * 8192, 4 * 80 * 8192),
    "Llama 405B": Model(405, 405, 0, 2 * 126 * 8 * 128, 4 * 126 * 16384, 4 * 126 * 16384),
    "Qwen3 32B": Model(32.8, 32.8, 0, 2 * 64 * 8 * 128, 4 * 64 * 8192, 4 * 64 * 8192),
    # Latent attention: 576 numbers per layer, absorbed when decoding; experts of 671 less 17.
    "DeepSeek R1": Model(671, 37, 17, 61 * 576, 61 * 2 * 128 * 1088, 61 * 4 * 128 * 160),
    "Qwen3 480B": Model(480, 35, 0, 2 * 62 * 8 * 128, 4 * 62 * 96 * 128, 4 * 62 * 96 * 128),
}
RECORDS = (
    Record("offline 5.1", "H100", "Llama 70B", "fp8", 2, 300, 294, 3902.5, MLPERF_5_1),
    Record("offline 5.1", "H200", "Llama 70B", "fp8", 1, 300, 294, 4414.6, MLPERF_5_1),
    Record("offline 5.1", "B200", "Llama 70B", "fp4", 1, 300, 294, 12690.9, MLPERF_5_1),
    Record("offline 5.1", "GB200", "Llama 70B", "fp4", 1, 300, 294, 12934.2, MLPERF_5_1),
    Record("offline 6.1", "B300", "Llama 70B", "fp4", 1, 300, 294, 13659.6, MLPERF_6_1),
    Record("offline 5.1", "H100", "Llama 405B", "fp8", 16, 9400, 685, 48.9, MLPERF_5_1),
    Record("offline 5.1", "H200", "Llama 405B", "fp8", 8, 9400, 685, 69.1, MLPERF_5_1),
    Record("offline 5.1", "B200", "Llama 405B", "fp4", 8, 9400, 685, 207.6, MLPERF_5_1),
    Record("offline 5.1", "GB300", "Llama 405B", "fp4", 4, 9400, 685, 223.7, MLPERF_5_1),
    Record("offline 5.1", "B200", "DeepSeek R1", "fp4", 8, 800, 3830, 4172.4, MLPERF_5_1),
    Record("offline 5.1", "GB200", "DeepSeek R1", "fp4", 72, 800, 3830, 4023.8, MLPERF_5_1),
    Record("offline 6.1", "GB200", "DeepSeek R1", "fp4", 72, 800, 3830, 7274.9, MLPERF_6_1),
    Record("offline 6.1", "GB300", "DeepSeek R1", "fp4", 72, 800, 3830, 9440.8, MLPERF_6_1),
    Record("offline 6.1", "B300", "DeepSeek R1", "fp4", 8, 800, 3830, 8766.5, MLPERF_6_1),
    Record("128 at once", "TPU v6e", "Llama 70B", "bf16", 8, 1024, 1024, 443.1, RECIPES, 128),
    Record("64 at once", "TPU v6e", "Llama 70B", "bf16", 8, 1024, 1024, 311.9, RECIPES, 64),
    Record("135 at once", "TPU v7", "Qwen3 32B", "fp8", 1, 1024, 1024, 6556.7, RECIPES, 135),
    Record("135 at once", "TPU v7", "Qwen3 32B", "fp8", 1, 1024, 8192, 3959.6, RECIPES, 135),
    Record("135 at once", "TPU v7", "Qwen3 32B", "fp8", 1, 8192, 1024, 1382.2, RECIPES, 135),
    Record("64 at once", "TPU v7", "Qwen3 480B", "fp8", 4, 1024, 1024, 499.0, RECIPES, 64),
    Record("64 at once", "TPU v7", "Qwen3 480B", "fp8", 4, 8192, 1024, 263.3, RECIPES, 64),
)


@dataclass(frozen=True)
class Compared:
    """Output tokens per second and chip: measured, at full efficiency, with the default one."""

    record: Record
    roofline: float
    estimate: float

    @property
    def reached(self) -> float:
        """Part of the roofline that was measured."""
        return self.record.tokens_per_second / self.roofline

    @property
    def error(self) -> float:
        """Estimate over measured."""
        return self.estimate / self.record.tokens_per_second


def compare() -> Iterator[Compared]:
    """Estimate every record: prefills and decode steps of a batch that is always full."""
    for record in RECORDS:
        dense = MODELS[record.model].active == MODELS[record.model].parameters
        decode = (DECODE_DENSE if dense else DECODE_MOE)[1]
        prefill = (PREFILL_DENSE if dense else PREFILL_MOE)[1]
        yield Compared(record, _rate(record, 1.0, 1.0), _rate(record, decode, prefill))


def _rate(record: Record, decode_efficiency: float, prefill_efficiency: float) -> float:
    """Output tokens per second and chip at some efficiencies."""
    found = roof(_task(record))
    batch = np.minimum(found.batch, record.batch)
    step_ms = found.step_ms(batch) / decode_efficiency
    prefill_ms = record.input_tokens * found.token_ms / prefill_efficiency
    request_ms = prefill_ms + record.output_tokens * step_ms / batch
    return float(1e3 * record.output_tokens / request_ms[0] / record.chips)


def _task(record: Record) -> Task:
    chip, model = CHIPS[record.chip], MODELS[record.model]
    stored = 2.0 if record.precision == "bf16" else 1.0

    def one(value: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([value], np.float64)

    return Task(
        parameters=one(model.parameters * 1e9),
        active_parameters=one(model.active * 1e9),
        replicated_parameters=one(model.replicated * 1e9),
        bytes_per_parameter=one(BYTES_PER_PARAMETER[record.precision]),
        kv_bytes_per_token=one(model.kv_bytes * stored),
        attention_flops_decode=one(model.decode_flops),
        attention_flops_prefill=one(model.prefill_flops),
        memory_bytes=one(chip.memory_gb * 1e9),
        bytes_per_second=one(chip.memory_tb_per_second * 1e12),
        flops_per_second=one(getattr(chip, record.precision) * 1e12),
        attention_flops_per_second=one(chip.bf16 * 1e12),
        chips=one(record.chips),
        context_tokens=one(record.input_tokens + record.output_tokens / 2),
        input_tokens=one(record.input_tokens),
        prefill_context_tokens=one(record.input_tokens / 2),
    )


def table() -> str:
    """The table of the page, in Markdown."""
    lines = [
        "| record | chips | precision | in/out | roofline | measured | reached | estimate "
        "| estimate / measured |",
        "|---|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for found in compare():
        record = found.record
        lines.append(
            f"| [{record.model}, {record.name}]({record.source}) | {record.chips} x {record.chip} "
            f"| {record.precision} | {record.input_tokens:g}/{record.output_tokens:g} "
            f"| {found.roofline:,.0f} | {record.tokens_per_second:,.0f} | {found.reached:.2f} "
            f"| {found.estimate:,.0f} | {found.error:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
