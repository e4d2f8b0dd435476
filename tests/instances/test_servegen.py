"""The instance made from ServeGen's clients says what it claims to say, and its plan is proved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.instance.instance import Instance
from optimizer.result import Result

FOLDER = Path(__file__).parents[2] / "instances" / "servegen-2w"
MAIA = ("azure-maia200-centralus", "azure-maia200-westus3")

# What ServeGen's client files add up to, by model: clients seen, of them without token counts,
# requests in 336 hours, and the mean lengths of the requests whose lengths are known.
PUBLISHED = {
    "m-large": (162, 15, 236_892_826, 914.3, 155.1),
    "m-mid": (108, 35, 2_165_253_970, 306.7, 50.8),
    "m-small": (43, 5, 1_420_558_786, 119.7, 14.9),
}


@pytest.fixture(scope="module")
def instance() -> Instance:
    return optimizer.read(FOLDER)


@pytest.fixture(scope="module")
def result(instance: Instance) -> Result:
    return optimizer.solve(instance)


def test_it_is_two_weeks_of_clients_and_small(instance: Instance) -> None:
    assert instance.num_periods == 336
    assert instance.period_hours == 1
    assert instance.num_workloads == sum(clients for clients, *_ in PUBLISHED.values())
    assert instance.num_pools == 16
    assert {"interactive", "long_context", "batch"} == set(instance.workloads.traffic_class.names)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 4e6


@pytest.mark.parametrize("model", PUBLISHED)
def test_requests_and_lengths_are_those_published(instance: Instance, model: str) -> None:
    clients, unknown, requests, tokens_in, tokens_out = PUBLISHED[model]
    workloads = instance.workloads
    mine = workloads.model.equal(model)
    known = workloads.basis.equal("measured") & mine
    assert (mine.sum(), (mine & ~known).sum()) == (clients, unknown)
    length = workloads.input_tokens + workloads.output_tokens
    sent = instance.demand_mtok.sum(axis=1) * 1e6 / length
    assert sent[mine].sum() == pytest.approx(requests, rel=1e-3)
    for column, mean in (
        (workloads.input_tokens, tokens_in),
        (workloads.output_tokens, tokens_out),
    ):
        assert np.average(column[known], weights=sent[known]) == pytest.approx(mean, rel=1e-3)
        # Clients without counts of their own take the model's mean.
        assert column[mine & ~known] == pytest.approx(mean, rel=1e-3)


def test_routes_are_derived_for_every_client(instance: Instance) -> None:
    assert not (FOLDER / "routes.csv").exists()
    assert set(instance.routes.workload.tolist()) == set(range(instance.num_workloads))
    assert "" not in instance.routes.configuration.names


def test_a_longer_client_takes_more_of_a_chip(instance: Instance) -> None:
    """Per request, on the same chip: the cost of a request grows with its tokens."""
    workloads, routes = instance.workloads, instance.routes
    length = workloads.input_tokens + workloads.output_tokens
    hours = routes.chip_hours_per_mtok * length[routes.workload]
    for pool in np.flatnonzero(~instance.left_out):
        on_pool = (routes.pool == pool) & workloads.model.equal("m-mid")[routes.workload]
        rows = np.flatnonzero(on_pool)
        if len(rows):
            short, long = (pick(length[routes.workload[rows]]) for pick in (np.argmin, np.argmax))
            assert hours[rows[short]] < hours[rows[long]]


def test_plan_is_verified_and_proved(result: Result) -> None:
    assert result.status == "optimal", result.reason
    assert result.verified
    assert result.relative_gap is not None
    assert result.relative_gap <= 1e-6
    assert set(result.left_out) == set(MAIA)
    assert result.evaluation is not None
    assert result.evaluation.unserved_mtok.sum() <= 1e-3 * result.instance.demand_mtok.sum()


def test_the_script_states_what_clients_send(tmp_path: Path) -> None:
    """Two clients of a model, one without token counts, and one of another; hour by hour."""
    source, folder = tmp_path / "hourly.csv", tmp_path / "made"
    source.write_text(
        "model,client,hour,requests,mean_input_tokens,mean_output_tokens\n"
        "m-large,3,0,1000000,100,50\n"
        "m-large,3,1,3000000,200,50\n"
        "m-large,4,1,2000000,,\n"
        "m-small,0,335,500000,30,10\n"
        "mm-image,0,0,7,1,1\n",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, "-B", FOLDER / "make.py", source, folder], check=True)
    made = optimizer.read(folder)
    assert made.workloads.workload == ("m-large-003", "m-large-004", "m-small-000")
    # 1e6 x 150 and 3e6 x 250 tokens; 225 tokens are the model's mean; 5e5 x 40.
    assert made.demand_mtok[:, :2].tolist() == [[150.0, 750.0], [0.0, 450.0], [0.0, 0.0]]
    assert made.demand_mtok[2, 335] == 20.0
    assert made.demand_mtok.sum() == 1370.0
    assert made.workloads.input_tokens.tolist() == [175.0, 175.0, 30.0]
    assert [made.workloads.basis[w] for w in range(3)] == ["measured", "estimate", "measured"]
    assert set(made.workloads.traffic_class.names) == {"batch"}
