"""Instances that no plan can keep, each for a cause of its own, and what ends it.

A cause is the set of rules in conflict, each told as (family, name); a way out is how far one of
them has to go by itself. All figures are derived in the comments.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.instance.instance import Instance
from tests.pipeline.fleet_rows import ContractRow, FleetRows, OutageRow, PowerRow, ReplicaRow
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow

Named = tuple[str, str]


@dataclass(frozen=True)
class Clash:
    """An instance without a plan.

    Attributes
    ----------
    sketch : the rows.
    rules : the rules in conflict.
    ways : limit that each must reach by itself; of chips those added over all periods.
    whole : whether only whole numbers are in conflict.
    """

    sketch: Sketch
    rules: frozenset[Named]
    ways: dict[Named, float]
    whole: bool = False

    def build(self) -> Instance:
        """Make the instance."""
        return self.sketch.build()


CHAT = WorkloadRow("chat", 20.0, (10.0, 12.0))
RESERVED = PoolRow("own", (2.0, 2.0), (10.0, 10.0), "reserved", "AWS")
BOUGHT = PoolRow("rented", (3.0, 3.0), (10.0, 10.0), "on_demand", "Google", "beta")
ROUTES = (RouteRow("chat", "own"), RouteRow("chat", "rented"))


def _fleet(**rows: object) -> FleetRows:
    return FleetRows(**rows)  # type: ignore[arg-type]


def _sketch(shares: tuple[ShareRow, ...] = (), **rest: object) -> Sketch:
    return Sketch((CHAT,), (RESERVED, BOUGHT), ROUTES, shares, **rest)  # type: ignore[arg-type]


BUDGET = ("budget", "budget")
LEAST = ("min_replicas", "min_replicas of model model")


def _min(name: str) -> Named:
    return "share_min", f"share {name}"


def _max(name: str) -> Named:
    return "share_max", f"share {name}"


def _chips(pool: str) -> Named:
    return "capacity", f"chips of pool {pool}"


CLASHES: dict[str, Clash] = {
    # 2 periods x 10 chips x 2 USD = 40 USD are spent whatever the plan does.
    "budget below what reserved chips cost": Clash(
        _sketch(budget_usd=30.0), frozenset({BUDGET}), {BUDGET: 40.0}
    ),
    # Half of all spend elsewhere means 40 USD more: 80 USD. Within 60 it can be 20 of 60.
    "budget against a min of spend": Clash(
        _sketch((ShareRow("google", "provider", "Google", "spend", min=0.5),), budget_usd=60.0),
        frozenset({BUDGET, _min("google")}),
        {BUDGET: 80.0, _min("google"): 1 / 3},
    ),
    # 1 replica must run, so that something is held; then 0.6 + 0.5 > 1.
    "two mins above 1": Clash(
        _sketch(
            (
                ShareRow("aws", "provider", "AWS", "compute", min=0.6),
                ShareRow("google", "provider", "Google", "compute", min=0.5),
            ),
            fleet=_fleet(
                min_replicas=(("model", 1),),
                replicas=(ReplicaRow("model", "alpha", 1.0), ReplicaRow("model", "beta", 1.0)),
            ),
        ),
        frozenset({_min("aws"), _min("google"), LEAST}),
        {_min("aws"): 0.5, _min("google"): 0.4, LEAST: 0.0},
    ),
    # Of what is spent 40 USD are AWS's, so a max of 0.4 needs 60 USD at Google, where all chips
    # cost 60 and all else is nothing; a max of 0.5 for Google allows 40.
    "max of two groups against reserved chips": Clash(
        _sketch(
            (
                ShareRow("aws", "provider", "AWS", "spend", max=0.4),
                ShareRow("google", "provider", "Google", "spend", max=0.5),
            )
        ),
        frozenset({_max("aws"), _max("google")}),
        {_max("aws"): 0.5, _max("google"): 0.6},
    ),
    # Replicas of 4 chips: 2 fit on each pool, in parts 2.5. The linear program finds room for 5,
    # so 7 lack 8 chips in each period.
    "replicas that do not fit the chips": Clash(
        _sketch(
            fleet=_fleet(
                min_replicas=(("model", 7),),
                replicas=(ReplicaRow("model", "alpha", 4.0), ReplicaRow("model", "beta", 4.0)),
            )
        ),
        frozenset({LEAST, _chips("own"), _chips("rented")}),
        # 5 replicas need 20 chips on a pool that has 10; those of the other hold 2 more.
        {LEAST: 4.0, _chips("own"): 20.0, _chips("rented"): 20.0},
    ),
    # 5 replicas of 2 chips at 1 MW each draw 10 MW.
    "replicas against power": Clash(
        Sketch(
            (CHAT,),
            (PoolRow("own", (2.0, 2.0), (20.0, 20.0), watts_per_chip=1e6),),
            ROUTES[:1],
            fleet=_fleet(
                min_replicas=(("model", 5),),
                replicas=(ReplicaRow("model", "alpha", 2.0),),
                power=(PowerRow("site", "region", "east", 8.0),),
            ),
        ),
        frozenset({LEAST, ("power", "power limit site")}),
        {LEAST: 4.0, ("power", "power limit site"): 10.0},
    ),
    # 3 replicas x 2 chips x 3 USD x 2 periods = 36 USD.
    "replicas against the budget": Clash(
        Sketch(
            (CHAT,),
            (BOUGHT,),
            ROUTES[1:],
            fleet=_fleet(
                min_replicas=(("model", 3),), replicas=(ReplicaRow("model", "beta", 2.0),)
            ),
            budget_usd=30.0,
        ),
        frozenset({LEAST, BUDGET}),
        {LEAST: 2.0, BUDGET: 36.0},
    ),
    # 10 replicas run on 10 chips; 4 chips are left and only 2 may go: 4 chips lack, then 2.
    "a dip of chips against the pace of changes": Clash(
        Sketch(
            (WorkloadRow("chat", 20.0, (1.0, 1.0, 1.0)),),
            (PoolRow("own", (2.0,) * 3, (4.0,) * 3),),
            ROUTES[:1],
            fleet=_fleet(
                replicas=(ReplicaRow("model", "alpha", 1.0, max_changes_per_period=2.0),),
                in_force=(("model", "own", 10),),
            ),
        ),
        frozenset(
            {("max_changes", "max_changes_per_period of model model on chip alpha"), _chips("own")}
        ),
        {
            ("max_changes", "max_changes_per_period of model model on chip alpha"): 6.0,
            _chips("own"): 6.0,  # 8 held in period 0, 6 in period 1
        },
    ),
    # In period 1 rented chips cost 10 x 1 USD against 20 for the reserved: at most 1/3 of spend.
    # There are tokens for 24 of them.
    "a share of spend in each period": Clash(
        Sketch(
            (CHAT,),
            (RESERVED, PoolRow("rented", (3.0, 1.0), (10.0, 10.0), "on_demand", "Google")),
            (ROUTES[0], RouteRow("chat", "rented", 2.0)),
            (ShareRow("google", "provider", "Google", "spend", min=0.5, per="period"),),
        ),
        frozenset({_min("google"), _chips("rented")}),
        {_min("google"): 1 / 3, _chips("rented"): 10.0},
    ),
    # 4 chips of own are held by replicas that must run there alone; the group can hold 2 of 6.
    "a group with too few chips": Clash(
        Sketch(
            (CHAT,),
            (RESERVED, PoolRow("small", (3.0, 3.0), (2.0, 2.0), "on_demand", "Google", "beta")),
            (RouteRow("chat", "own"),),
            (ShareRow("google", "provider", "Google", "compute", min=0.5),),
            fleet=_fleet(
                min_replicas=(("model", 2),),
                replicas=(ReplicaRow("model", "alpha", 2.0),),
                outages=(OutageRow("loss", "pool", "own", 1.0),),
            ),
        ),
        frozenset({LEAST, _min("google"), _chips("small")}),
        {LEAST: 1.0, _min("google"): 1 / 3, _chips("small"): 4.0},
    ),
    # Blocks are whole: a quarter of one would do, for 8 of 48 USD.
    "whole blocks only": Clash(
        Sketch(
            (CHAT,),
            (RESERVED, PoolRow("blocks", (9.0, 9.0), (0.0, 0.0), "on_demand", "Google")),
            ROUTES[:1],
            (ShareRow("google", "provider", "Google", "spend", min=0.1, max=0.2),),
            fleet=_fleet(contracts=(ContractRow("offer", "blocks", 8.0, 2.0, max_blocks=1),)),
        ),
        frozenset({_min("google"), _max("google"), _chips("own")}),
        # One block costs 32 of 72 USD, none costs nothing. Of 160 USD, 32 are 0.2: 88 USD more for
        # reserved chips.
        {_min("google"): 0.0, _max("google"): 32 / 72, _chips("own"): 44.0},
        whole=True,
    ),
}
