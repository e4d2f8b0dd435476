"""Random stations for tests, wide enough to reach every branch."""

from __future__ import annotations

import numpy as np

from optimizer.serving.queue import Stations
from tests.serving.engine import Setting

BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
VARIATIONS = (0.0, 0.5, 1.0, 1.5)
PREFILL_PARTS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
"""Part of a full batch's time that goes to prefills (their base aside)."""
UTILISATIONS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)


def setting(seed: int, burstiness: float = 1.0) -> tuple[Setting, float]:
    """A station, and the part of its saturation at which it is looked at."""
    rng = np.random.default_rng(seed)
    batch = int(rng.choice(BATCHES))
    outputs = float(round(np.exp(rng.uniform(np.log(30), np.log(1000)))))
    base = float(np.exp(rng.uniform(np.log(5), np.log(50))))
    per_seq = base * float(rng.choice([0, 0.003, 0.01, 0.03, 0.1]))
    part = float(rng.choice(PREFILL_PARTS))
    prefill = (base + per_seq * batch) * (outputs - 1) / batch * part / (1 - part)
    inputs = float(round(np.exp(rng.uniform(np.log(100), np.log(8000)))))
    drawn = Setting(
        decode_base_ms=base,
        decode_per_seq_ms=per_seq,
        prefill_base_ms=base * float(rng.choice([0, 0.2, 1, 3])),
        prefill_per_token_ms=prefill / inputs,
        max_batch=batch,
        input_tokens=inputs,
        output_tokens=outputs,
        input_cv=float(rng.choice(VARIATIONS)),
        output_cv=float(rng.choice(VARIATIONS)),
        burstiness=burstiness,
    )
    return drawn, float(rng.choice(UTILISATIONS))


def roomy_setting(seed: int) -> tuple[Setting, float]:
    """A station of 256 to 4,096 places that is in prefill for 35 to 65 % of the time.

    Such are those of large chips by the roofline. The prefill of a request is short beside its
    decode steps.
    """
    rng = np.random.default_rng(seed)
    while True:
        batch = int(2 ** rng.uniform(8, 12))
        outputs = float(round(np.exp(rng.uniform(np.log(40), np.log(800)))))
        base = float(rng.uniform(8, 40))
        per_seq = base * float(10 ** rng.uniform(-4, -1.7))
        part, utilisation = float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.4, 0.9))
        if part >= 0.97 * utilisation:
            continue
        prefill = part * outputs * (base + per_seq * batch) / batch / (utilisation - part)
        if prefill > 0.06 * (base + per_seq) * outputs:
            continue
        inputs = float(round(np.exp(rng.uniform(np.log(300), np.log(8000)))))
        drawn = Setting(
            decode_base_ms=base,
            decode_per_seq_ms=per_seq,
            prefill_base_ms=0.0,
            prefill_per_token_ms=prefill / inputs,
            max_batch=batch,
            input_tokens=inputs,
            output_tokens=outputs,
            input_cv=float(rng.uniform(0, 1.4)),
            output_cv=float(rng.uniform(0.3, 1.2)),
        )
        return drawn, utilisation


def as_stations(settings: list[Setting], together: bool = False) -> Stations:
    """The package's stations of some settings."""
    columns = [np.array([getattr(s, name) for s in settings], float) for name in FIELDS]
    columns.append(np.full(len(settings), float(together)))
    return Stations(*columns)


FIELDS = (
    "decode_base_ms", "decode_per_seq_ms", "prefill_base_ms", "prefill_per_token_ms", "max_batch",
    "input_tokens", "output_tokens", "input_cv", "output_cv", "burstiness", "max_queue",
)  # fmt: skip


def stations(seed: int, count: int, together: bool = False, room: float = np.inf) -> Stations:
    """Many stations at once."""
    rng = np.random.default_rng(seed)
    base = np.exp(rng.uniform(np.log(5), np.log(50), count))
    return Stations(
        decode_base_ms=base,
        decode_per_seq_ms=base * rng.choice([0, 0.003, 0.01, 0.03, 0.1], count),
        prefill_base_ms=base * rng.choice([0, 0.2, 1, 3], count),
        prefill_per_token_ms=np.exp(rng.uniform(np.log(0.005), np.log(0.3), count)),
        max_batch=rng.choice(BATCHES, count).astype(float),
        input_tokens=np.exp(rng.uniform(np.log(100), np.log(8000), count)),
        output_tokens=np.exp(rng.uniform(np.log(5), np.log(1000), count)),
        input_cv=rng.choice(VARIATIONS, count),
        output_cv=rng.choice(VARIATIONS, count),
        burstiness=rng.choice([1.0, 1.0, 2.0, 4.0], count),
        max_queue=np.array(room),
        together=np.array(float(together)),
    )
