"""The plan of a fleet: what every model places on its lanes, one model after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.lane_finish import Finished
from optimizer.methods.market import Market
from optimizer.methods.overflow import Placements
from optimizer.methods.priced_plan import Settled, plan_of
from optimizer.methods.replica_market import ReplicaMarket
from optimizer.plan import Cells, Plan

Float = NDArray[np.float64]


class ReplicaPlan:
    """Takes models in any order.

    Attributes
    ----------
    models : those that were taken.
    """

    def __init__(self, fleet: ReplicaMarket) -> None:
        self._fleet = fleet
        self._only = np.full(fleet.market.demand.shape, -1, np.int32)
        self._placed: list[Placements] = []
        self.models: set[int] = set()

    def take(self, model: int, lanes: Market, made: Finished) -> None:
        """Remember what a model places, on the axes of the fleet's market.

        Parameters
        ----------
        lanes : the market that routes of ``made`` are counted in.
        """
        members = self._fleet.members[model]
        route = np.searchsorted(self._fleet.market.route, lanes.route).astype(np.int32)
        # The name of no route is its last place.
        self._only[members] = np.append(route, np.int32(-1))[np.maximum(made.only, -1)]
        self._placed.append(
            replace(
                made.placed,
                route=route[made.placed.route],
                workload=members[made.placed.workload].astype(np.int32),
            )
        )
        self.models.add(model)

    def plan(self, instance: Instance, count: Float) -> Plan:
        """The plan, with rounding taken out: no lane over its limit, no workload over its demand.

        Parameters
        ----------
        count : (M, P, T) replicas.
        """
        market, (models, pools) = self._fleet.market, self._fleet.unit.shape
        # Lanes stand in for pools: sorted alike within a workload, whose model is one.
        owner = np.repeat(np.arange(market.num_workloads), np.diff(market.first))
        lane = instance.workloads.model.codes[owner].astype(np.int32) * pools + market.pool
        held = self._fleet.unit[:, :, None] * count
        lanes = replace(
            market,
            pool=lane,
            capacity=held.reshape(models * pools, -1),
            used_usd=np.tile(market.used_usd, (models, 1)),
        )
        done = np.ones(market.num_periods, np.bool_)
        made = plan_of(instance, lanes, Settled(self._only, done), Placements.joined(self._placed))
        whole = np.where(self._fleet.whole[:, :, None], count, 0.0)
        return replace(made, pool=made.pool % pools, replicas=Cells.of_dense(whole))
