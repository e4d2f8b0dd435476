"""Requests whose lengths the trace does not say: filled from their model, or left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.serving.traces.tally import Sums

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lengths:
    """Tokens of every group. Axes W (groups), T (periods), K (groups that are kept).

    Attributes
    ----------
    requests, input_tokens, output_tokens : (W, T).
    kept : (K,) groups that have tokens.
    mean_input, mean_output : (K,) tokens per request.
    notes : what was done, in words.
    """

    requests: Float
    input_tokens: Float
    output_tokens: Float
    kept: NDArray[np.int64]
    mean_input: Float
    mean_output: Float
    notes: tuple[str, ...]


def without_lengths(sums: Sums, models: Sequence[str], how: str) -> Lengths:
    """Give lengths to requests that have none.

    A group that has lengths at other times gets its own mean; one that never has any gets the
    mean over the requests of its model; a model without any lengths is left out.

    Parameters
    ----------
    models : (W,) model of each group.
    how : ``fill``, or ``leave_out`` for leaving these requests out.
    """
    sized = sums.requests.sum(axis=1)
    unsized = sums.unsized.sum(axis=1)
    tokens = {"input": sums.input_tokens, "output": sums.output_tokens}
    notes = []
    requests = sums.requests
    if unsized.any() and how == "fill":
        means = {name: _means(table.sum(axis=1), sized, models) for name, table in tokens.items()}
        known = ~np.isnan(means["input"])
        filled = np.where(known[:, None], sums.unsized, 0.0)
        for name, mean in means.items():
            tokens[name] = tokens[name] + filled * np.where(known, mean, 0.0)[:, None]
        requests = requests + filled
        groups = int(((unsized > 0) & known).sum())
        share = filled.sum() / requests.sum() if requests.sum() > 0 else 0.0
        notes.append(
            f"{groups} workloads have no lengths in some or all periods and got the mean of their "
            f"own or of their model: {filled.sum():,.0f} requests, {share:.1%} of all"
        )
        unsized = np.where(known, 0.0, unsized)
    if unsized.any():
        notes.append(
            f"{int((unsized > 0).sum())} workloads have requests without lengths, which were "
            f"left out: {unsized.sum():,.0f} requests"
        )
    total = requests.sum(axis=1)
    kept = np.flatnonzero((tokens["input"] + tokens["output"]).sum(axis=1) > 0)
    empty = np.flatnonzero((tokens["input"] + tokens["output"]).sum(axis=1) + unsized == 0)
    if len(empty) > 0 and total[empty].sum() > 0:
        notes.append(
            f"{len(empty)} workloads have no tokens at all and were left out: "
            f"{total[empty].sum():,.0f} requests"
        )
    return Lengths(
        requests=requests,
        input_tokens=tokens["input"],
        output_tokens=tokens["output"],
        kept=kept,
        mean_input=tokens["input"].sum(axis=1)[kept] / total[kept],
        mean_output=tokens["output"].sum(axis=1)[kept] / total[kept],
        notes=tuple(notes),
    )


def _means(tokens: Float, sized: Float, models: Sequence[str]) -> Float:
    """(W,) mean tokens per request of a group, else of its model; NaN where there is none."""
    found = np.full(len(sized), np.nan)
    names = np.array(models)
    for model in dict.fromkeys(models):
        rows = np.flatnonzero(names == model)
        requests = sized[rows].sum()
        if requests > 0:
            found[rows] = tokens[rows].sum() / requests
    own = sized > 0
    found[own] = tokens[own] / sized[own]
    return found
