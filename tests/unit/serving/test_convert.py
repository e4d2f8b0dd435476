"""Inputs of other planners: what becomes of them, and what is said of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optimizer
from optimizer.errors import InputError, OutputError, UsageError
from optimizer.serving.convert.aibrix import read_aibrix
from optimizer.serving.convert.inferno import read_inferno
from optimizer.serving.routes import derive

DATA = Path(__file__).parents[4] / "shared" / "data"
INFERNO, AIBRIX = DATA / "llm-inferno", DATA / "aibrix"
needs_inferno = pytest.mark.skipif(not INFERNO.is_dir(), reason=f"{INFERNO} is not there")
needs_aibrix = pytest.mark.skipif(not AIBRIX.is_dir(), reason=f"{AIBRIX} is not there")

SMALL: dict[str, dict[str, Any]] = {
    "accelerator-data": {
        "accelerators": [
            {"name": "G", "type": "G", "multiplicity": 1, "cost": 20},
            {"name": "2xG", "type": "G", "multiplicity": 2, "cost": 40},
            {"name": "L", "type": "L", "multiplicity": 1, "cost": 5},
        ]
    },
    "capacity-data": {"count": [{"type": "G", "count": 6}, {"type": "L", "count": 9}]},
    "model-data": {
        "models": [
            {
                "name": "m", "acc": acc, "accCount": count, "maxBatchSize": 40, "atTokens": 512,
                "decodeParms": {"alpha": base, "beta": 0.3},
                "prefillParms": {"gamma": 50, "delta": 0.01},
            }
            for acc, count, base in (("G", 1, 17), ("2xG", 1, 10), ("L", 3, 60))
        ]
    },
    "serviceclass-data": {
        "serviceClasses": [
            {
                "name": "Premium",
                "priority": 1,
                "modelTargets": [{"model": "m", "slo-itl": 40, "slo-ttft": 1000}],
            },
            {"name": "Free", "priority": 3, "modelTargets": [{"model": "m", "slo-tps": 100}]},
        ]
    },
    "server-data": {
        "servers": [
            {
                "name": f"{name}-m", "class": name, "model": "m",
                "currentAlloc": {
                    "load": {"arrivalRate": rate, "avgInTokens": 128, "AvgOutTokens": 1024}
                },
            }
            for name, rate in (("Premium", 60), ("Free", 90))
        ]
    },
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    for name, content in SMALL.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_servers_become_workloads_and_accelerators_pools(small: Path) -> None:
    made = read_inferno(small)
    assert made.workloads.workload == ("Premium-m", "Free-m")
    assert made.workloads.single_pool.all()
    assert made.workloads.priority.tolist() == [1, 3]
    assert made.workloads.ttft_ms[0] == 1000
    assert np.isnan(made.workloads.tpot_ms[1])  # a rate of tokens is no promise to a request
    # 60 requests of 1152 tokens per minute, for an hour.
    assert made.demand_mtok[:, 0].tolist() == pytest.approx(
        [60 * 60 * 1152 / 1e6, 90 * 60 * 1152 / 1e6]
    )
    assert made.pools.usd_per_chip_hour.tolist() == [20, 20, 5]
    assert made.capacity_chips[:, 0].tolist() == [6, 6, 9]
    assert made.power.limit == ("units of G",)  # L has one accelerator, and its own capacity
    assert made.power.max_mw.tolist() == [6]
    assert made.profiles.chips_per_replica.tolist() == [1, 2, 3] * 2
    assert made.profiles.max_queue.tolist() == [200] * 6  # ten times 40 * 512 / 1024
    assert len(made.replicas.model) == 0
    assert (
        read_inferno(small, whole_replicas=True).replicas.chips_per_replica.tolist()
        == [1, 2, 3] * 2
    )
    assert not read_inferno(small, mixed=True).workloads.single_pool.any()


def test_the_folder_can_be_written_read_and_solved(small: Path, tmp_path: Path) -> None:
    optimizer.write(read_inferno(small, whole_replicas=True), tmp_path / "instance")
    instance = optimizer.read(tmp_path / "instance")
    assert instance.num_routes >= 4
    result = optimizer.solve(instance)
    assert result.verified
    assert result.unserved_mtok == 0


def spoil(folder: Path, name: str, *path: Any, value: Any) -> None:
    content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    place = content
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        (
            "model-data",
            ("models", 1, "decodeParms", "alpha"),
            "fast",
            'model-data.json, models[1].decodeParms.alpha: expected a number >= 0, got "fast"',
        ),
        (
            "accelerator-data",
            ("accelerators", 0, "cost"),
            None,
            "accelerator-data.json, accelerators[0].cost: expected a value, got nothing",
        ),
        (
            "server-data",
            ("servers", 0, "class"),
            "Premum",
            "server-data.json, servers[0].class: expected the name of a known class, "
            'got "Premum" (did you mean "Premium"?)',
        ),
        (
            "server-data",
            ("servers", 1, "model"),
            "n",
            'server-data.json, servers[1].model: expected a model of model-data.json, got "n"',
        ),
        (
            "model-data",
            ("models", 0, "acc"),
            "3xG",
            'model-data.json, models[0].acc: expected the name of a known acc, got "3xG" '
            '(did you mean "2xG"?)',
        ),
        (
            "capacity-data",
            ("count",),
            [],
            'capacity-data.json, count: expected a list of objects, got "[]"',
        ),
    ],
)
def test_what_is_wrong_with_a_file(
    small: Path, name: str, path: tuple[Any, ...], value: Any, message: str
) -> None:
    spoil(small, name, *path, value=value)
    with pytest.raises(InputError) as caught:
        read_inferno(small)
    assert str(caught.value) == message


def test_files_that_are_none(small: Path) -> None:
    (small / "server-data.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"server-data\.json: expected JSON"):
        read_inferno(small)
    (small / "server-data.json").unlink()
    with pytest.raises(OutputError, match=r"server-data\.json: cannot be read"):
        read_inferno(small)


@needs_inferno
@pytest.mark.parametrize("size", ["small", "large"])
def test_rates_are_those_of_the_other_program(size: str) -> None:
    """Largest requests per minute of every server on every accelerator.

    Accelerators that hardly serve anything are candidates for the one and not for the other: at
    less than one request in two minutes the promise is met by the least rate that is looked at.
    """
    instance, derivation = derive(read_inferno(INFERNO / size, whole_replicas=True))
    routes, rate = instance.routes, derivation.delivery.requests_per_second * 60
    pairs = zip(routes.workload.tolist(), routes.pool.tolist(), strict=True)
    names = [(instance.workloads.workload[w], instance.pools.pool[p]) for w, p in pairs]
    found = dict(zip(names, rate.tolist(), strict=True))
    told = json.loads((INFERNO / f"candidates_{size}.json").read_text(encoding="utf-8"))["servers"]
    wanted = {(s, a): c["maxRPM"] for s, own in told.items() for a, c in own["cand"].items()}
    both = found.keys() & wanted.keys()
    assert len(both) > 50
    assert all(found[pair] == pytest.approx(wanted[pair], rel=1e-4) for pair in both)
    assert all(found[pair] < 2 for pair in found.keys() - both)
    assert all(wanted[pair] < 2 for pair in wanted.keys() - both)


@needs_inferno
def test_one_accelerator_per_server_costs_what_is_known() -> None:
    """41,857.75: the optimum over the other program's own candidates, proved by HiGHS."""
    made = derive(read_inferno(INFERNO / "small", whole_replicas=True))[0]
    result = optimizer.solve(made, limits=optimizer.Limits(seconds=120))
    assert result.objective_usd == pytest.approx(41857.75, rel=1e-6)
    assert result.unserved_mtok == 0


TABLE: dict[str, Any] = {
    "gpu": "big",
    "cost": 2.0,
    "tputs": [[40, 20, 10], [8, 4, 0]],
    "indexes": [[16, 128], [128, 256, 512]],
    "e2e": [[0.5, 0.6, 0.8], [2.0, 2.2, 2.6]],
    "slos": {"percentile": 99, "e2e": 5.0},
}


def write(folder: Path, name: str, **changed: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**TABLE, **changed}), encoding="utf-8")
    return path


def test_tables_become_measured_rates(tmp_path: Path) -> None:
    files = [write(tmp_path, "big.json"), write(tmp_path, "small.json", gpu="small", cost=0.5)]
    made = read_aibrix(files)
    assert made.pools.usd_per_chip_hour.tolist() == [2, 0.5]
    assert made.num_workloads == 6
    found, derivation = derive(made)
    rates = {
        (found.workloads.workload[w], found.pools.pool[p]): rate
        for w, p, rate in zip(
            found.routes.workload.tolist(),
            found.routes.pool.tolist(),
            derivation.delivery.requests_per_second.tolist(),
            strict=True,
        )
    }
    assert rates["in 256 out 16", "big"] == pytest.approx(20)  # rows are outputs
    assert rates["in 128 out 128", "small"] == pytest.approx(8)
    assert ("in 512 out 128", "big") not in rates
    hours = found.routes.chip_hours_per_mtok[0]
    assert hours == pytest.approx(1e6 / 144 / 3600 / 40)
    assert set(found.routes.basis.values()) == {"measured"}


def test_times_per_token_follow_where_the_first_is_there(tmp_path: Path) -> None:
    file = write(tmp_path, "big.json", ttft=[[0.2, 0.3, 0.4], [0.2, 0.3, 0.4]])
    table = read_aibrix([file]).throughputs
    assert table.ttft_ms[:3].tolist() == pytest.approx([200, 300, 400])
    assert table.tpot_ms[0] == pytest.approx((500 - 200) / 15)
    assert np.isnan(read_aibrix([write(tmp_path, "b.json")]).throughputs.tpot_ms).all()


def test_loads_are_workloads(tmp_path: Path) -> None:
    made = read_aibrix([write(tmp_path, "big.json")], loads=[(200, 60, 5)], whole_replicas=True)
    assert made.demand_mtok.tolist() == [[pytest.approx(5 * 3600 * 260 / 1e6)]]
    assert made.replicas.chips_per_replica.tolist() == [1]
    with pytest.raises(UsageError, match="loads: expected lengths > 0"):
        read_aibrix([write(tmp_path, "big.json")], loads=[(0, 0, 5)])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"tputs": [[1, 2, 3]]},
            'big.json, tputs: expected 2 rows, one per length of output, got "[[1, 2, 3]]"',
        ),
        (
            {"tputs": [[1, 2, 3], [1, 2]]},
            'big.json, tputs[1]: expected 3 numbers, one per length of input, got "[1, 2]"',
        ),
        (
            {"indexes": [[16, 128]]},
            'big.json, indexes: expected the lengths of outputs and of inputs, got "[[16, 128]]"',
        ),
        (
            {"tputs": [[1, 2, 3], [1, 2, -1]]},
            'big.json, tputs[1][2]: expected a number >= 0, got "-1"',
        ),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_aibrix([write(tmp_path, "big.json", **changed)])
    assert str(caught.value) == message


def test_a_gpu_that_comes_twice(tmp_path: Path) -> None:
    files = [write(tmp_path, "a.json"), write(tmp_path, "b.json")]
    with pytest.raises(InputError, match=r'b\.json, gpu: expected each GPU once, got "big"'):
        read_aibrix(files)


@needs_aibrix
def test_published_tables_can_be_solved() -> None:
    files = [AIBRIX / f"simulator-llama2-7b-{gpu}.json" for gpu in ("a100", "a40")]
    found = derive(read_aibrix(files))[0]
    assert found.num_workloads == 40
    result = optimizer.solve(found)
    assert result.verified
    assert result.unserved_mtok == 0
