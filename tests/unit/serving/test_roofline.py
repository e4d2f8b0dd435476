"""Rooflines by hand, the line laid over them, and what may never happen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.serving.roofline import Task, line, roof

DENSE = {
    "parameters": 70e9, "active_parameters": 70e9, "replicated_parameters": 0.0,
    "bytes_per_parameter": 1.0, "kv_bytes_per_token": 163840.0,
    "attention_flops_decode": 2621440.0, "attention_flops_prefill": 2621440.0,
    "memory_bytes": 80e9, "bytes_per_second": 3.35e12, "flops_per_second": 1979e12,
    "attention_flops_per_second": 989e12, "chips": 2.0, "context_tokens": 2048.0,
    "input_tokens": 2048.0, "prefill_context_tokens": 1024.0,
}  # fmt: skip
SPARSE = {
    "parameters": 671e9, "active_parameters": 37e9, "replicated_parameters": 17e9,
    "bytes_per_parameter": 1.0, "kv_bytes_per_token": 35136.0,
    "attention_flops_decode": 16990208.0, "attention_flops_prefill": 4997120.0,
    "memory_bytes": 186e9, "bytes_per_second": 7.7e12, "flops_per_second": 5000e12,
    "attention_flops_per_second": 2500e12, "chips": 64.0, "context_tokens": 4096.0,
    "input_tokens": 2048.0, "prefill_context_tokens": 1024.0,
}  # fmt: skip


def task(facts: dict[str, float], **changed: float) -> Task:
    columns: dict[str, Any] = {k: np.array([v]) for k, v in {**facts, **changed}.items()}
    return Task(**columns)


def one(value: float) -> Any:
    return np.array([value])


def test_dense_model_on_two_chips() -> None:
    found = roof(task(DENSE))
    # 35e9 bytes of weights per chip at 3.35e12 bytes/s.
    assert found.weights_ms[0] == pytest.approx(10.447761)
    # 163840 * 2048 = 335.5e6 bytes of cache over both chips: 335.5e6 / 6.7e12 s.
    assert found.cache_ms[0] == pytest.approx(0.05008124)
    # 140e9 / 1979e12 + 2621440 * 2048 / 989e12 = 70.743 + 5.428 us, over two chips.
    assert found.arithmetic_ms[0] == pytest.approx(0.0380857, rel=1e-5)
    # 140e9 / 1979e12 + 2621440 * 1024 / 989e12 = 70.743 + 2.714 us, over two chips.
    assert found.token_ms[0] == pytest.approx(0.0367286, rel=1e-5)
    # 2 * (72e9 - 35e9) / 335.5e6 = 220.5.
    assert found.batch[0] == 220
    # 10.4478 + 220 * 0.0500812: memory holds it up.
    assert found.step_ms(one(220.0))[0] == pytest.approx(21.465634)


def test_model_of_experts_on_64_chips() -> None:
    found = roof(task(SPARSE))
    # 654e9 / 64 + 17e9 = 27.21875e9 bytes per chip at 7.7e12 bytes/s.
    assert found.weights_ms[0] == pytest.approx(3.5349026)
    # 35136 * 4096 = 143.917e6 bytes over 64 chips.
    assert found.cache_ms[0] == pytest.approx(2.920395e-4)
    # 74e9 / 5000e12 + 16990208 * 4096 / 2500e12 = 14.8 + 27.837 us, over 64 chips.
    assert found.arithmetic_ms[0] == pytest.approx(6.661989e-4, rel=1e-6)
    # 64 * (167.4e9 - 27.21875e9) / 143.917e6 = 62338.7.
    assert found.batch[0] == 62338
    # Attention holds it up, not memory: 41.53 ms against 21.74 ms.
    assert found.step_ms(one(62338.0))[0] == pytest.approx(41.5295, rel=1e-5)


def test_weights_that_do_not_fit() -> None:
    assert roof(task(DENSE, chips=1.0, memory_bytes=70e9)).batch[0] == 0
    assert roof(task(DENSE, chips=1.0)).batch[0] == 5  # 2e9 / 335.5e6


def test_a_cache_that_takes_no_memory() -> None:
    assert roof(task(DENSE, kv_bytes_per_token=0.0)).batch[0] == 65536
    assert roof(task(DENSE, kv_bytes_per_token=0.0, chips=1.0, memory_bytes=70e9)).batch[0] == 0
    assert np.isnan(roof(task(DENSE, kv_bytes_per_token=0.0, memory_bytes=np.nan)).batch[0])


def test_line_is_exact_at_both_ends_and_never_below() -> None:
    found = roof(task(SPARSE))
    most = found.batch
    laid = line(found, most, one(1.0), one(1.0))
    batches = np.linspace(0, float(most[0]), 101)
    chord = laid.decode_base_ms + laid.decode_per_seq_ms * batches
    steps = np.array([found.step_ms(one(n))[0] for n in batches])
    assert chord[0] == pytest.approx(steps[0])
    assert chord[-1] == pytest.approx(steps[-1])
    assert (chord >= steps * (1 - 1e-12)).all()
    knee = found.weights_ms / (found.arithmetic_ms - found.cache_ms)
    told = (1 - knee / most) * (1 - found.cache_ms / found.arithmetic_ms)
    wrong = (laid.decode_base_ms + laid.decode_per_seq_ms * knee) / found.step_ms(knee) - 1
    assert wrong[0] == pytest.approx(told[0])
    assert (chord / steps - 1).max() <= told[0] * (1 + 1e-9)


def test_line_is_the_roof_where_memory_holds_up_every_batch() -> None:
    found = roof(task(DENSE))
    laid = line(found, found.batch, one(0.5), one(0.25))
    assert laid.decode_base_ms[0] == pytest.approx(found.weights_ms[0] / 0.5)
    assert laid.decode_per_seq_ms[0] == pytest.approx(found.cache_ms[0] / 0.5)
    assert laid.prefill_per_token_ms[0] == pytest.approx(found.token_ms[0] / 0.25)
    assert laid.prefill_base_ms[0] == 0  # 2048 tokens take longer than reading the weights


def test_a_short_prefill_still_reads_the_weights() -> None:
    found = roof(task(DENSE, input_tokens=100.0))
    laid = line(found, found.batch, one(1.0), one(1.0))
    alone = laid.prefill_base_ms + laid.prefill_per_token_ms * 100
    assert alone[0] == pytest.approx(found.weights_ms[0])


def test_largest_batch_within_a_step() -> None:
    found = roof(task(DENSE))
    most = found.batch_within(one(15.0))
    assert most[0] == 90  # (15 - 10.4478) / 0.0500812 = 90.9
    assert found.step_ms(most)[0] <= 15 < found.step_ms(most + 1)[0]
    assert found.batch_within(one(1.0))[0] == 1  # no batch is within it, and one must run


@settings(deadline=None, max_examples=200)
@given(
    facts=st.sampled_from([DENSE, SPARSE]),
    faster=st.floats(1.0, 10.0),
    step_ms=st.floats(15.0, 500.0),
    part=st.floats(0.0, 1.0),
    which=st.sampled_from(["bytes_per_second", "flops_per_second", "attention_flops_per_second"]),
)
def test_a_faster_chip_is_never_slower(
    facts: dict[str, float], faster: float, step_ms: float, part: float, which: str
) -> None:
    slow, fast = roof(task(facts)), roof(task(facts, **{which: facts[which] * faster}))
    most = [np.minimum(found.batch, found.batch_within(one(step_ms))) for found in (slow, fast)]
    assert most[1][0] >= most[0][0]
    lines = [line(found, most[0], one(0.4), one(0.4)) for found in (slow, fast)]
    batch = 1 + part * (most[0][0] - 1)
    before, after = (x.decode_base_ms[0] + x.decode_per_seq_ms[0] * batch for x in lines)
    assert after <= before * (1 + 1e-9)
    tokens = facts["input_tokens"]
    before, after = (x.prefill_base_ms[0] + x.prefill_per_token_ms[0] * tokens for x in lines)
    assert after <= before * (1 + 1e-9)
