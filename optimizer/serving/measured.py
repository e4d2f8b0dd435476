"""Measured rates by length of requests, read between the lengths that were measured.

A table of a way to run a model is a grid: input lengths by output lengths. Between its lines the
seconds that a replica spends per request, 1 / rate, are interpolated bilinearly in the logarithms
of both lengths; so are the times to the first and per token. The seconds grow about in proportion
to the lengths, and tables are spaced by doubling, so that the logarithm is where they are evenly
spaced. Beyond the grid, or in a cell that lacks a corner, nothing is said; where a corner cannot
be served, neither can the cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.serving.profiles import basis_codes

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

ON_LINE = 1e-9
"""Part of a step of the grid within which a length counts as lying on its line."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """(n,) pairs of a profile and a workload.

    Attributes
    ----------
    there : the profile has a table.
    inside : the lengths lie within it.
    requests_per_second : rate of a replica, 0 where it cannot serve such lengths; NaN outside.
    ttft_ms, tpot_ms : at that rate, NaN where they were not measured.
    basis : position in ``BASES`` of the weakest corner.
    """

    there: Bool
    inside: Bool
    requests_per_second: Float
    ttft_ms: Float
    tpot_ms: Float
    basis: Int


@dataclass(frozen=True, eq=False)
class Grid:
    """One table: lengths rising, and per (input, output) its values, NaN where there is no row."""

    inputs: Float
    outputs: Float
    seconds: Float
    ttft_ms: Float
    tpot_ms: Float
    basis: Int


def measured(instance: Instance, profile: Int, workload: Int) -> Measured:
    """Look up rates.

    Parameters
    ----------
    profile, workload : (n,) rows; the lengths of the workloads are known.
    """
    size = len(profile)
    there, inside = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    rate, ttft, tpot = (np.full(size, np.nan) for _ in range(3))
    basis = np.zeros(size, np.int64)
    grids = grids_of(instance)
    order = np.argsort(profile, kind="stable")
    used, starts = np.unique(profile[order], return_index=True)
    ends = np.append(starts, size)[1:]
    for row, begin, end in zip(used.tolist(), starts.tolist(), ends.tolist(), strict=True):
        rows = order[begin:end]
        grid = grids.get(row)
        if grid is None:
            continue
        people = workload[rows]
        inputs, outputs = instance.workloads.input_tokens, instance.workloads.output_tokens
        corners = _corners(grid, inputs[people], outputs[people])
        there[rows] = True
        seconds = _blend(grid.seconds, corners)
        inside[rows] = ~np.isnan(seconds)
        with np.errstate(divide="ignore"):
            rate[rows] = 1.0 / seconds
        ttft[rows], tpot[rows] = _blend(grid.ttft_ms, corners), _blend(grid.tpot_ms, corners)
        basis[rows] = _weakest(grid.basis, corners)
    return Measured(
        there=there,
        inside=inside,
        requests_per_second=rate,
        ttft_ms=ttft,
        tpot_ms=tpot,
        basis=basis,
    )


def grids_of(instance: Instance) -> dict[int, Grid]:
    """Tables by row of profiles."""
    table, profiles = instance.throughputs, instance.profiles
    ways = zip(
        profiles.model.values(),
        profiles.chip.values(),
        profiles.configuration.values(),
        strict=True,
    )
    place = {way: row for row, way in enumerate(ways)}
    rows: dict[int, list[int]] = {}
    for row, way in enumerate(
        zip(table.model.values(), table.chip.values(), table.configuration.values(), strict=True)
    ):
        rows.setdefault(place[way], []).append(row)
    return {profile: _grid(instance, np.array(listed)) for profile, listed in rows.items()}


def _grid(instance: Instance, rows: Int) -> Grid:
    table = instance.throughputs
    inputs, at_input = np.unique(table.input_tokens[rows], return_inverse=True)
    outputs, at_output = np.unique(table.output_tokens[rows], return_inverse=True)
    shape = (len(inputs), len(outputs))
    seconds, ttft, tpot = (np.full(shape, np.nan) for _ in range(3))
    basis = np.zeros(shape, np.int64)
    with np.errstate(divide="ignore"):
        seconds[at_input, at_output] = 1.0 / table.requests_per_second[rows]
    ttft[at_input, at_output] = table.ttft_ms[rows]
    tpot[at_input, at_output] = table.tpot_ms[rows]
    basis[at_input, at_output] = basis_codes(table.basis)[rows]
    return Grid(inputs, outputs, seconds, ttft, tpot, basis)


@dataclass(frozen=True, eq=False)
class Corners:
    """(4, n) corners of the cell that lengths lie in, and the weight of each; NaN outside."""

    inputs: Int
    outputs: Int
    weight: Float


def _corners(grid: Grid, inputs: Float, outputs: Float) -> Corners:
    low_i, part_i = _between(grid.inputs, inputs)
    low_o, part_o = _between(grid.outputs, outputs)
    next_i = np.minimum(low_i + 1, len(grid.inputs) - 1)
    next_o = np.minimum(low_o + 1, len(grid.outputs) - 1)
    return Corners(
        np.stack([low_i, next_i, low_i, next_i]),
        np.stack([low_o, low_o, next_o, next_o]),
        np.stack(
            [
                (1 - part_i) * (1 - part_o),
                part_i * (1 - part_o),
                (1 - part_i) * part_o,
                part_i * part_o,
            ]
        ),
    )


def _between(lines: Float, lengths: Float) -> tuple[Int, Float]:
    """Line below each length, and the part of the way to the next in logarithms; NaN outside."""
    # A length of 0 or 1 stands at 0 tokens of logarithm: nothing is shorter.
    at, x = np.log(np.maximum(lines, 1.0)), np.log(np.maximum(lengths, 1.0))
    low = np.clip(np.searchsorted(lines, lengths, side="right") - 1, 0, max(len(lines) - 2, 0))
    if len(lines) == 1:
        part = np.where(np.abs(x - at[0]) <= ON_LINE, 0.0, np.nan)
        return low, part
    width = at[low + 1] - at[low]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(width > 0, (x - at[low]) / width, 0.0)
    outside = (part < -ON_LINE) | (part > 1 + ON_LINE)
    part = np.where(np.abs(part - np.round(part)) <= ON_LINE, np.round(part), part)
    return low, np.where(outside, np.nan, part)


def _blend(values: Float, corners: Corners) -> Float:
    """(n,) mean of the corners; one without weight says nothing, whatever stands there."""
    taken = values[corners.inputs, corners.outputs]
    weight = corners.weight
    with np.errstate(invalid="ignore"):
        parts = np.where(weight == 0, 0.0, weight * taken)
    return np.asarray(parts.sum(axis=0))


def _weakest(basis: Int, corners: Corners) -> Int:
    taken = basis[corners.inputs, corners.outputs]
    return np.asarray(np.where(corners.weight > 0, taken, 0).max(axis=0))
