"""Instances whose promises are broken unless routes are tightened, whoever shares replicas."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

import optimizer
from optimizer.instance.instance import Instance
from optimizer.promises import slowed
from optimizer.serving.routes import derive
from tests.unit.evaluation.shared_replicas import derived


def too_fast(**given: Any) -> Instance:
    """The second workload's route is 20 % faster than keeps its promise."""
    return slowed(derived(**given), np.array([1.0, 0.8]))


def at_percentile(instance: Instance, percentile: float = 90.0) -> Instance:
    """The same with promises for so many of the requests, and routes that keep them alone."""
    told = np.full(instance.num_workloads, percentile)
    workloads = dataclasses.replace(instance.workloads, slo_percentile=told)
    return derive(dataclasses.replace(instance, workloads=workloads))[0]


def folder_of(instance: Instance, place: Path) -> Path:
    """A folder whose routes are derived when it is read."""
    optimizer.write(instance, place)
    for name in ("routes.csv", "routes.parquet"):
        (place / name).unlink(missing_ok=True)
    return place
