"""What is cut out of the tables that say how the fleet is run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from optimizer.instance.instance import Instance
from optimizer.instance.read import read
from optimizer.instance.select import select
from optimizer.instance.write import write
from tests.faults.folder import Folder


@pytest.fixture
def fleet(tmp_path: Path) -> Folder:
    return Folder.fleet(tmp_path / "instance")


@pytest.fixture
def whole(fleet: Folder) -> Instance:
    return fleet.read()


def test_models_go_with_their_last_workload(whole: Instance) -> None:
    part = select(whole, workloads=["batch"])
    assert part.model_names == ("small",)
    assert part.models.model == ("small",)
    assert part.replicas.model.values() == ["small"]
    assert part.qualification.model.values() == ["small"]
    assert part.in_force_replicas is not None
    assert part.in_force_replicas.tolist() == [[0, 2]]
    assert part.contracts.contract == whole.contracts.contract
    assert part.outages.outage == whole.outages.outage


def test_chips_and_groups_go_with_their_last_pool(whole: Instance) -> None:
    part = select(whole, pools=["west"])
    assert part.replicas.chip.values() == ["tpu7", "tpu7"]
    assert part.qualification.chip.values() == ["tpu7", "tpu7"]
    assert part.contracts.contract == ("rest",)
    assert part.contracts.pool.tolist() == [0]
    assert part.outages.outage == ("loss",)
    assert len(part.power.limit) == 0
    assert part.in_force_replicas is not None
    assert part.in_force_replicas.tolist() == [[0], [2]]
    assert part.models.model == ("large", "small")


def test_a_model_that_no_longer_runs_in_replicas(whole: Instance) -> None:
    part = select(whole, workloads=["batch", "chat"], pools=["east"])
    assert part.replicas.model.values() == ["large"]
    assert part.models.model == ("large", "small")
    assert part.models.min_replicas.tolist() == [1, 0]  # 0 asks for nothing
    assert part.in_force_replicas is not None
    assert part.in_force_replicas.tolist() == [[1], [0]]


def test_a_minimum_that_nothing_counts_for_is_dropped(fleet: Folder) -> None:
    fleet.file("replicas.csv", "model,chip,chips_per_replica\nlarge,trn2,4\nsmall,tpu7,1\n")
    part = select(fleet.read(), pools=["west"])
    assert part.replicas.model.values() == ["small"]
    assert part.models.model == ("large", "small")  # what the model is stays
    assert part.models.min_replicas.tolist() == [0, 0]


def test_starts_still_count_when_nothing_that_ran_is_left(fleet: Folder) -> None:
    fleet.file("in_force.csv", "model,pool,replicas\nlarge,east,1\n")
    part = select(fleet.read(), pools=["west"])
    assert part.in_force_replicas is not None
    assert not part.in_force_replicas.any()
    assert len(part.in_force.model) == 1
    without = select(fleet.without("in_force.csv").read(), pools=["west"])
    assert without.in_force_replicas is None


def test_what_ran_before_is_not_known_of_a_later_start(whole: Instance) -> None:
    assert select(whole, periods=range(1, 3)).in_force_replicas is None
    assert select(whole, periods=range(2)).in_force_replicas is not None


@pytest.mark.parametrize("begin", range(3))
@pytest.mark.parametrize("end", range(1, 4))
def test_contracts_and_times_keep_their_place_in_time(
    whole: Instance, begin: int, end: int
) -> None:
    if begin >= end:
        return
    part = select(whole, periods=range(begin, end))
    kept = whole.contract_in_force[:, begin:end]
    left = kept.any(axis=1)
    assert part.contracts.contract == tuple(np.array(whole.contracts.contract)[left].tolist())
    assert (part.contract_in_force == kept[left]).all()
    assert (part.period_start_seconds == whole.period_start_seconds[begin:end]).all()
    assert part.start - whole.start == timedelta(hours=begin)
    before, after = (i.qualification.qualified_from for i in (whole, part))
    assert np.array_equal(before, after, equal_nan=True)


def test_a_contract_to_the_end_stays_one(whole: Instance) -> None:
    last = select(whole, periods=range(1, 3)).contracts.last_period
    assert last.tolist() == [0, whole.contracts.last_period[1]]


def test_a_model_whose_chips_have_gone_keeps_no_route(fleet: Folder) -> None:
    fleet.file("qualification.csv", "model,chip\nlarge,trn2\n")
    part = select(fleet.read(), pools=["west"])
    names = {part.workloads.workload[w] for w in part.routes.workload}
    assert names == {"batch"}
    assert len(part.qualification.model) == 0


@pytest.mark.parametrize("hours", [1.0, 0.75, 1 / 3, 1 / 7])
def test_periods_begin_where_the_clock_says(fleet: Folder, hours: float) -> None:
    fleet.toml("period_hours", repr(hours)).file(
        "replicas.csv", "model,chip,chips_per_replica\nlarge,trn2,4\nlarge,tpu7,2\nsmall,tpu7,1\n"
    )
    demand = np.ones((3, 22))
    for table, names in (("demand", ("chat", "code", "batch")), ("capacity", ("east", "west"))):
        rows = [[name, *("1" for _ in demand[0])] for name in names]
        key = "workload" if table == "demand" else "pool"
        fleet.rows(table, [[key, *(str(period) for period in range(22))], *rows])
    whole = fleet.without("prices.csv").toml("periods", "22").read()
    seconds = whole.period_start_seconds - whole.start.timestamp()
    assert seconds[21] == round(21 * hours * 3600, 6)
    for begin in range(22):
        part = select(whole, periods=range(begin, 22))
        assert abs(part.period_start_seconds[0] - whole.period_start_seconds[begin]) < 1e-6


def test_a_part_can_be_written_and_read(whole: Instance, tmp_path: Path) -> None:
    for name, part in (
        ("pool", select(whole, pools=["west"])),
        ("workload", select(whole, workloads=["chat"], pools=["east"])),
        ("period", select(whole, periods=range(2, 3))),
    ):
        write(part, tmp_path / name)
        assert read(tmp_path / name).digest == part.digest


def test_catalogs_stay_whole_and_exclusions_go_with_what_they_name(whole: Instance) -> None:
    part = select(whole, workloads=["chat"], pools=["west"])
    for table in ("chips", "profiles", "throughputs", "network"):
        before, after = getattr(whole, table), getattr(part, table)
        assert len(after.source) == len(before.source), table
    assert part.exclusions.exclusion == ()
    assert select(whole, workloads=["code"], pools=["west"]).exclusions.exclusion == (
        "no-code-on-tpu",
    )
    assert select(whole, workloads=["batch"], pools=["east"]).exclusions.exclusion == (
        "no-small-east",
    )
