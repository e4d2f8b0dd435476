"""Roofline estimates: what a replica could do if nothing but memory or arithmetic held it up.

A step takes as long as the slower of moving its bytes and doing its arithmetic (Williams,
Waterman, Patterson: Roofline, CACM 52(4), 2009, https://doi.org/10.1145/1498765.1498785; for
language models see the public "How to scale your model", https://jax-ml.github.io/scaling-book).

Notation: G chips of a replica, P parameters of which A are used by a token and S are held by
every chip, q bytes per parameter, k bytes of cache per token of context, beta bytes/s and F, F_a
FLOP/s of a chip (weights, attention), I and O input and output tokens, s the mean context of a
request that is being decoded, n requests in the batch::

    weights of a chip   w = q (P - S) / G + q S
    one decode step     max(w / beta + n k s / (G beta),  n (2 A / F + a s / F_a) / G)
    one input token     (2 A / F + a_p c / F_a) / G
    requests that fit   G (u C - w) / (k s)

with C bytes of memory of which a share u may be filled, a and a_p FLOP of attention per token and
token of context, and c the mean context before an input token that no cache answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

USABLE_MEMORY = 0.90
"""Share of a chip's memory that weights and cache may fill; the rest is activations and slack."""
BYTES_PER_PARAMETER = {"bf16": 2.0, "fp8": 1.0, "fp4": 0.55}
"""FP4 carries scales beside its half byte."""
MAX_BATCH = 65536.0
MS = 1e3


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """What is estimated: (n,) each of a model on chips for requests of some length.

    Attributes
    ----------
    parameters, active_parameters, replicated_parameters : numbers of them.
    bytes_per_parameter, kv_bytes_per_token : bytes.
    attention_flops_decode, attention_flops_prefill : FLOP per token and token of context.
    memory_bytes, bytes_per_second, flops_per_second, attention_flops_per_second : of a chip.
    chips : chips of a replica.
    context_tokens : mean context of a request that is being decoded.
    input_tokens : mean input tokens of a request that no cache answers.
    prefill_context_tokens : mean context before such a token.
    """

    parameters: Float
    active_parameters: Float
    replicated_parameters: Float
    bytes_per_parameter: Float
    kv_bytes_per_token: Float
    attention_flops_decode: Float
    attention_flops_prefill: Float
    memory_bytes: Float
    bytes_per_second: Float
    flops_per_second: Float
    attention_flops_per_second: Float
    chips: Float
    context_tokens: Float
    input_tokens: Float
    prefill_context_tokens: Float


@dataclass(frozen=True, eq=False, kw_only=True)
class Roof:
    """(n,) times of a replica at full efficiency, NaN where a fact is not known.

    Attributes
    ----------
    weights_ms : reading the weights once.
    cache_ms : reading the cache of one request.
    arithmetic_ms : arithmetic of one request in a decode step.
    token_ms : arithmetic of one input token.
    input_tokens : mean input tokens of a request that no cache answers.
    batch : requests that fit beside the weights, whole; 0 when none does.
    """

    weights_ms: Float
    cache_ms: Float
    arithmetic_ms: Float
    token_ms: Float
    input_tokens: Float
    batch: Float

    def step_ms(self, batch: Float) -> Float:
        """(n,) decode step of a batch: the slower of memory and arithmetic."""
        memory = self.weights_ms + self.cache_ms * batch
        return np.asarray(np.maximum(memory, self.arithmetic_ms * batch))

    def batch_within(self, step_ms: Float) -> Float:
        """(n,) largest whole batch whose decode step takes at most so long; at least 1."""
        with np.errstate(divide="ignore", invalid="ignore"):
            memory = (step_ms - self.weights_ms) / self.cache_ms
            arithmetic = step_ms / self.arithmetic_ms
        most = np.floor(np.fmin(np.fmin(memory, arithmetic), MAX_BATCH) * (1 + 1e-12))
        return np.maximum(most, 1.0)


def roof(task: Task) -> Roof:
    """Work out times and batch; see the head of this file."""
    shared = task.parameters - task.replicated_parameters
    weights = task.bytes_per_parameter * (shared / task.chips + task.replicated_parameters)
    cache = task.kv_bytes_per_token * task.context_tokens
    arithmetic = 2 * task.active_parameters / task.flops_per_second
    attention = task.attention_flops_decode * task.context_tokens
    before = task.attention_flops_prefill * task.prefill_context_tokens
    room = task.chips * (USABLE_MEMORY * task.memory_bytes - weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        fits = np.floor(np.minimum(room / cache, MAX_BATCH) * (1 + 1e-12))
    fits = np.where((cache == 0) & ~np.isnan(room), np.where(room >= 0, MAX_BATCH, 0.0), fits)
    # Attention counts only where there is some: its rate may not be known where there is none.
    with np.errstate(invalid="ignore"):
        decode_share = np.where(attention > 0, attention / task.attention_flops_per_second, 0.0)
        prefill_share = np.where(before > 0, before / task.attention_flops_per_second, 0.0)
    return Roof(
        weights_ms=MS * weights / task.bytes_per_second,
        cache_ms=MS * cache / (task.chips * task.bytes_per_second),
        arithmetic_ms=MS * (arithmetic + decode_share) / task.chips,
        token_ms=MS * (arithmetic + prefill_share) / task.chips,
        input_tokens=task.input_tokens,
        batch=np.maximum(fits, 0.0),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Line:
    """(n,) times of a replica as the queue takes them: a base and what each one adds."""

    decode_base_ms: Float
    decode_per_seq_ms: Float
    prefill_base_ms: Float
    prefill_per_token_ms: Float


def line(found: Roof, batch: Float, decode_efficiency: Float, prefill_efficiency: Float) -> Line:
    """Lay lines over the roof, up to a batch.

    A decode step is convex in the batch: memory holds it up at first, arithmetic from some batch
    on. The line is the chord from an empty batch to the largest, so it is exact at both ends and
    never below the roof between them: with x = batch at the knee over ``batch`` it is too slow by
    at most (1 - x) (1 - cache_ms / arithmetic_ms), and exact where memory holds up every batch.

    A prefill cannot be faster than reading the weights once. The base is what one mean request
    lacks to that: the time of such a request alone is exact, that of several together is too slow
    by at most this base.
    """
    full = found.step_ms(batch)
    rest = np.maximum(full - found.weights_ms, 0.0) / batch
    base = np.maximum(found.weights_ms - found.token_ms * found.input_tokens, 0.0)
    return Line(
        decode_base_ms=found.weights_ms / decode_efficiency,
        decode_per_seq_ms=rest / decode_efficiency,
        prefill_base_ms=base / prefill_efficiency,
        prefill_per_token_ms=found.token_ms / prefill_efficiency,
    )
