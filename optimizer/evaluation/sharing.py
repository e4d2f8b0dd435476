"""Which of the workloads that may share replicas do: few groups, in which promises are kept.

A route is as fast as a replica may be that serves its workload alone. So whoever breaks a promise
together keeps it apart, and where chips go by the part that costs nothing. It would be a poor
plan though that keeps all apart: here each workload joins the first group in which all keep what
was promised, the largest workloads first (first fit decreasing; D. S. Johnson, "Near-optimal bin
packing algorithms", 1973).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.latency import Latency, Requests, predicted_latency
from optimizer.evaluation.relief import lacking, needed_relief
from optimizer.instance.instance import Instance
from optimizer.plan import Cells, Plan
from optimizer.serving.queue import chosen
from optimizer.serving.route_stations import shared

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

MOST = 128
"""Workloads of a lane that are looked at together; more are parted by the length of answers."""
PILOT = 4
"""Periods in which a newcomer is tried first: those in which it is largest."""


def split(instance: Instance, plan: Plan, latency: Latency) -> tuple[Plan, Latency]:
    """The plan with those apart who break promises together, and what its requests see then.

    In whole replicas groups take more than their chip-hours fill. Where slower routes for all who
    may share would add fewer replicas than slower ones for the groups, they share on.

    Parameters
    ----------
    latency : of the plan, which names no groups.
    """
    cells = groups_that_keep(instance, latency)
    if len(cells) == 0:
        return plan, latency
    apart, seen = _with_groups(instance, plan, cells)
    if seen.broken == 0:
        return apart, seen
    dear = _more_replicas(instance, seen) > _more_replicas(instance, latency)
    workload, pool = cells.axes
    model = instance.workloads.model.codes[workload]
    kept = ~dear[model * instance.num_pools + pool]
    if kept.all():
        return apart, seen
    axes = workload[kept], pool[kept]
    return _with_groups(instance, plan, Cells(axes, cells.value[kept]))


def _with_groups(instance: Instance, plan: Plan, cells: Cells) -> tuple[Plan, Latency]:
    """A plan with groups."""
    apart = dataclasses.replace(plan, replica_groups=cells)
    seen = predicted_latency(instance, apart)
    assert seen is not None
    return apart, seen


def _more_replicas(instance: Instance, latency: Latency) -> Float:
    """(models * pools,) replicas over all periods that broken promises ask for."""
    groups = latency.groups
    bad = np.unique(groups.group[~latency.kept])
    count = len(instance.model_names) * instance.num_pools
    if len(bad) == 0:
        return np.zeros(count)
    more = lacking(instance, latency, bad, needed_relief(latency, bad, np.ones(len(bad))))
    lane = groups.lane[bad]
    place = groups.lane_model[lane] * instance.num_pools + groups.lane_pool[lane]
    return np.bincount(place, more, minlength=count).astype(np.float64)


def groups_that_keep(instance: Instance, latency: Latency) -> Cells:
    """Groups, by workload and pool, of those whose sharing breaks a promise; others share on.

    Groups hold for all periods: whoever has replicas of its own on a pool has them there for good.
    Numbers are unique on a model's pool. A workload that breaks its promise alone is alone.

    Parameters
    ----------
    latency : of the plan as policy lets its workloads share.
    """
    groups = latency.groups
    lane = groups.lane[groups.group]
    broken = np.zeros(len(groups.lane_model), np.bool_)
    broken[lane[~latency.kept]] = True
    rows = np.flatnonzero(broken[lane])
    routes, item = np.unique(groups.route[rows], return_inverse=True)
    size = np.bincount(item, groups.filled[rows], minlength=len(routes)).astype(np.float64)
    lane_of_item = groups.lane_of_route[routes]
    answer = instance.workloads.output_tokens[instance.routes.workload[routes]]
    part = _ranks(lane_of_item, answer) // MOST
    bins = _Bins(latency, rows, np.stack([lane_of_item, part]), item, size)
    bins.fill()
    several = np.zeros(len(broken), np.bool_)
    np.logical_or.at(several, lane_of_item, (bins.bin_of_item > 0) | (part > 0))
    kept = np.flatnonzero(several[lane_of_item])
    model, pool = groups.lane_model[lane_of_item[kept]], groups.lane_pool[lane_of_item[kept]]
    key = np.stack([model, pool, lane_of_item[kept], part[kept], bins.bin_of_item[kept]])
    group, of_item = np.unique(key, axis=1, return_inverse=True)
    of_item = of_item.reshape(-1)
    number = _ranks(group[0] * instance.num_pools + group[1], np.arange(group.shape[1])) + 1
    return Cells.of(
        (
            instance.routes.workload[routes[kept]].astype(np.int32),
            instance.routes.pool[routes[kept]].astype(np.int32),
        ),
        number[of_item].astype(np.float64),
    )


class _Bins:
    """First fit decreasing in all lanes at once: each step takes one item of every lane.

    Axes n (classes: an item in a period), I (items: a route), L (lanes).
    """

    def __init__(
        self, latency: Latency, rows: Int, lane_of_item: Int, item: Int, size: Float
    ) -> None:
        _, lane = np.unique(lane_of_item, axis=1, return_inverse=True)
        order = np.lexsort((-size, lane.reshape(-1)))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self._place = place
        self._item = place[item]
        self._count = np.bincount(lane.reshape(-1))
        self._first = np.cumsum(self._count) - self._count
        self._lane = lane.reshape(-1)[item]
        self._latency, self._rows = latency, rows
        groups = latency.groups
        self._periods = int(groups.period.max()) + 1
        self._cell = self._lane * self._periods + groups.period[groups.group[rows]]
        self._pilot = _ranks(self._item, -groups.filled[rows]) < PILOT
        self._bin = np.full(len(rows), -1, np.int64)
        self._bins = np.zeros(len(self._count), np.int64)

    @property
    def bin_of_item(self) -> Int:
        """(I,) bin of each item in its lane, from 0."""
        found = np.zeros(len(self._place), np.int64)
        found[self._item] = self._bin
        return found[self._place]

    def fill(self) -> None:
        """Put every item into a bin."""
        for step in range(int(self._count.max(initial=0))):
            waiting = self._count > step
            mine = (self._item == (self._first + step)[self._lane]) & waiting[self._lane]
            there = self._cells(mine)
            fits = self._fits_at_peaks(mine & self._pilot, waiting)
            while bool(fits.any()):
                able, first = np.asarray(fits.any(axis=1)), fits.argmax(axis=1)
                asked = (mine | (self._bin == first[self._lane])) & able[self._lane]
                rows = np.flatnonzero(asked & there[self._cell])
                late = self._late(rows, np.zeros_like(rows), 1)[:, 0]
                joining = mine & (able & ~late)[self._lane]
                self._bin[joining] = first[self._lane[joining]]
                waiting &= ~able | late
                fits[np.flatnonzero(able), first[able]] = False
                fits &= waiting[:, None]
            alone = mine & waiting[self._lane]
            self._bin[alone] = self._bins[self._lane[alone]]
            self._bins += waiting

    def _fits_at_peaks(self, newcomer: Bool, waiting: Bool) -> Bool:
        """(L, bins) whether all keep their promises with the newcomer, where it is largest."""
        width = int(self._bins[waiting].max())
        there = self._cells(newcomer)[self._cell] & (self._bin >= 0)
        company, new = np.flatnonzero(there), np.flatnonzero(newcomer)
        times = self._bins[self._lane[new]]
        copy = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
        rows = np.concatenate([company, np.repeat(new, times)])
        late = self._late(rows, np.concatenate([self._bin[company], copy]), width)
        return waiting[:, None] & (np.arange(width) < self._bins[:, None]) & ~late

    def _cells(self, rows: Bool) -> Bool:
        """Lanes and periods in which some of the rows are."""
        there = np.zeros(len(self._count) * self._periods, np.bool_)
        there[self._cell[rows]] = True
        return there

    def _late(self, rows: Int, group: Int, width: int) -> Bool:
        """(L, width) groups in which these rows, on replicas of theirs, break a promise."""
        late = np.zeros((len(self._count), width), np.bool_)
        if len(rows):
            cell = self._cell[rows] * width + group
            order = np.argsort(cell, kind="stable")
            rows, group = rows[order], group[order]
            requests = together(self._latency, self._rows[rows], cell[order])
            broken = ~requests.kept(requests.seen())
            late[self._lane[rows[broken]], group[broken]] = True
        return late


def together(latency: Latency, rows: Int, cell: Int) -> Requests:
    """Some classes on replicas that those of a cell share, as many as their chip-hours fill.

    Parameters
    ----------
    rows : (n,) positions among the classes.
    cell : (n,) who shares, ascending.
    """
    known = latency.requests
    group = np.cumsum((np.diff(cell, prepend=cell[0]) > 0).astype(np.int64))
    filled = np.bincount(group, latency.groups.filled[rows])
    rate = latency.weight[rows] / filled[group]
    own = chosen(known.own, rows)
    return Requests(
        stations=shared(own, rate, group),
        requests_per_second=np.bincount(group, rate).astype(np.float64),
        group=group,
        own=own,
        round_trip_ms=known.round_trip_ms[rows],
        ttft_ms=known.ttft_ms[rows],
        tpot_ms=known.tpot_ms[rows],
        percentile=known.percentile[rows],
    )


def _ranks(group: Int, key: Int | Float) -> Int:
    """(n,) place of each in its group by its key, from 0; who is first stays first."""
    order = np.lexsort((key, group))
    ranks = np.empty(len(group), np.int64)
    in_order = group[order]
    ranks[order] = np.arange(len(group)) - np.searchsorted(in_order, in_order)
    return ranks
