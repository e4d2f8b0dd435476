"""Which efficiency an estimate takes: the profile's own, or the range of its class."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from optimizer.instance.instance import Instance
from optimizer.instance.read import read
from optimizer.serving.calibration import CHIPS, RECORDS, compare
from optimizer.serving.efficiency import DECODE_DENSE, DECODE_MOE, Level, efficiency
from tests.unit.serving.folder import made

LEVELS: tuple[Level, ...] = ("low", "centre", "high")


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return read(made(tmp_path / "instance").path)


def decode(instance: Instance, model: int, chip: int) -> list[float]:
    rows = [np.array([0]), np.array([model]), np.array([chip])]
    return [float(efficiency(instance, *rows, level).decode[0]) for level in LEVELS]


def test_classes(instance: Instance) -> None:
    assert decode(instance, 0, 0) == [0.35, 0.45, 0.60]
    assert decode(instance, 1, 0) == [0.10, 0.25, 0.50]
    chips = dataclasses.replace(instance.chips, throughput_recorded=np.zeros(2, np.bool_))
    unknown = dataclasses.replace(instance, chips=chips)
    assert decode(unknown, 0, 0) == [0.20, 0.35, 0.50]
    assert decode(unknown, 1, 0) == [0.10, 0.25, 0.50]


def given(instance: Instance, low: float, centre: float, high: float) -> Instance:
    columns = {
        "decode_efficiency_low": low,
        "decode_efficiency": centre,
        "decode_efficiency_high": high,
    }
    size = len(instance.profiles.model)
    profiles = dataclasses.replace(
        instance.profiles, **{name: np.full(size, value) for name, value in columns.items()}
    )
    return dataclasses.replace(instance, profiles=profiles)


def test_a_profile_goes_before_its_class(instance: Instance) -> None:
    nan = float("nan")
    assert decode(given(instance, 0.3, 0.4, 0.5), 0, 0) == [0.3, 0.4, 0.5]
    assert decode(given(instance, nan, 0.7, nan), 0, 0) == [0.7, 0.7, 0.7]
    assert decode(given(instance, 0.5, nan, 0.9), 0, 0) == [0.5, 0.5, 0.9]
    assert decode(given(instance, nan, nan, 0.4), 0, 0) == [0.35, 0.4, 0.4]


def test_records_of_a_class_lie_within_its_range() -> None:
    """The ranges are those that the records span, FP4 of dense models and first rounds aside."""
    assert len({record.chip for record in RECORDS}) == len(CHIPS)
    for found in compare():
        model, fp4 = found.record.model, found.record.precision == "fp4"
        sparse = model in ("DeepSeek R1", "Qwen3 480B")
        low, _, high = DECODE_MOE if sparse else DECODE_DENSE
        assert low * (0.85 if fp4 else 1) <= found.reached <= high * 1.08, found


def test_error_of_the_estimates() -> None:
    """What the page says of them."""
    errors = np.array([found.error for found in compare()])
    assert 0.45 <= errors.min() <= 0.5
    assert 2.2 <= errors.max() <= 2.25
    assert float(np.exp(np.abs(np.log(errors)).mean())) == pytest.approx(1.30, abs=0.02)
