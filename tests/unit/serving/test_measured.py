"""Measured rates between, on and beyond the lengths of their table."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from optimizer.instance.fleet_tables import BASES
from optimizer.instance.instance import Instance
from optimizer.instance.read import read
from optimizer.serving.measured import Measured, measured
from tests.unit.serving.folder import made

TABLE, MAIL = 6, 3
"""Row of the profile with a table, and of the workload that it serves."""


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return read(made(tmp_path / "instance").path)


def at(instance: Instance, inputs: float, outputs: float) -> Measured:
    people = instance.workloads
    lengths = {"input_tokens": inputs, "output_tokens": outputs}
    columns = {
        name: np.where(np.arange(6) == MAIL, v, getattr(people, name))
        for name, v in lengths.items()
    }
    changed = dataclasses.replace(instance, workloads=dataclasses.replace(people, **columns))
    return measured(changed, np.array([TABLE]), np.array([MAIL]))


@pytest.mark.parametrize(
    ("inputs", "outputs", "rate"), [(128, 128, 40), (512, 128, 20), (128, 512, 10), (512, 512, 5)]
)
def test_corners_are_as_measured(
    instance: Instance, inputs: float, outputs: float, rate: float
) -> None:
    found = at(instance, inputs, outputs)
    assert found.inside.all()
    assert found.requests_per_second[0] == pytest.approx(rate)


def test_middle_in_logarithms_is_the_mean_of_the_seconds(instance: Instance) -> None:
    found = at(instance, 256, 256)  # sqrt(128 * 512)
    assert found.requests_per_second[0] == pytest.approx(4 / (1 / 40 + 1 / 20 + 1 / 10 + 1 / 5))
    assert found.ttft_ms[0] == pytest.approx(75)
    assert found.tpot_ms[0] == pytest.approx(15)
    assert BASES[found.basis[0]] == "published"  # the weakest of the four corners
    found = at(instance, 128 * 4**0.25, 128)
    assert found.requests_per_second[0] == pytest.approx(1 / (0.75 / 40 + 0.25 / 20))
    assert BASES[found.basis[0]] == "measured"  # the other two corners have no part in it


@pytest.mark.parametrize(("inputs", "outputs"), [(127, 128), (513, 128), (128, 100), (128, 600)])
def test_nothing_is_said_beyond(instance: Instance, inputs: float, outputs: float) -> None:
    found = at(instance, inputs, outputs)
    assert found.there.all()
    assert not found.inside.any()
    assert math.isnan(found.requests_per_second[0])


def test_a_cell_with_a_corner_that_cannot_be_served(instance: Instance) -> None:
    rates = instance.throughputs.requests_per_second.copy()
    rates[3] = 0.0
    table = dataclasses.replace(instance.throughputs, requests_per_second=rates)
    changed = dataclasses.replace(instance, throughputs=table)
    assert at(changed, 256, 256).requests_per_second[0] == 0
    assert at(changed, 256, 128).requests_per_second[0] == pytest.approx(2 / (1 / 40 + 1 / 20))


def test_a_cell_that_lacks_a_corner_is_outside(instance: Instance) -> None:
    table = instance.throughputs
    part = {f.name: getattr(table, f.name) for f in dataclasses.fields(table)}
    part = {k: v[:3] if isinstance(v, np.ndarray) else v.take([0, 1, 2]) for k, v in part.items()}
    changed = dataclasses.replace(instance, throughputs=type(table)(**part))
    assert not at(changed, 256, 256).inside.any()
    assert at(changed, 256, 128).inside.all()


def test_other_profiles_have_no_table(instance: Instance) -> None:
    found = measured(instance, np.array([0, TABLE]), np.array([0, MAIL]))
    assert found.there.tolist() == [False, True]
