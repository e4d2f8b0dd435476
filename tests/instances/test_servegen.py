"""servegen-2w is what its script makes of the published data, says what it is, and is solved."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import optimizer
from optimizer.instance.fleet_tables import BASES
from optimizer.instance.instance import Instance
from optimizer.result import Result
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.settings import TraceSettings
from tests.pipeline.library import FOLDER as PUBLISHED

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "instances" / "servegen-2w"
HOURLY = PUBLISHED / "servegen" / "servegen_hourly.csv.gz"
SCALE = 500
OPTIMUM = 218_882_091

published = pytest.mark.skipif(not HOURLY.is_file(), reason=f"ServeGen by the hour is not {HOURLY}")


def workloads() -> list[dict[str, str]]:
    with (FOLDER / "workloads.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def demand() -> pl.DataFrame:
    return pl.read_csv(FOLDER / "demand.csv")


@published
def test_script_writes_the_committed_tables(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "make.py"), str(HOURLY), str(tmp_path)]
    subprocess.run(command, check=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    committed = {path.name for path in FOLDER.iterdir() if path.suffix in (".csv", ".toml")}
    assert committed == set(made)
    assert "routes.csv" not in made
    for name in made:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


@published
def test_demand_is_that_of_the_importer() -> None:
    """Two programs that share no code: the importer fills clients without lengths alike."""
    found = read_traces([HOURLY], TraceSettings(scale=SCALE))
    rows = {
        f"{model}-{int(name.rpartition('-')[2]):03d}": row
        for row, (name, model) in enumerate(
            zip(found.workloads.workload, found.workloads.model.values(), strict=True)
        )
        if model.startswith("m-")
    }
    table = demand()
    assert set(rows) == set(table["workload"])
    mine = table.select(pl.exclude("workload")).to_numpy()
    theirs = found.demand_mtok[[rows[name] for name in table["workload"]]]
    assert np.allclose(mine, theirs, rtol=5.1e-4, atol=0)
    assert mine.sum() == pytest.approx(theirs.sum(), rel=1e-5)


def test_tables_have_the_shape_that_the_readme_says() -> None:
    rows, table = workloads(), demand()
    assert [row["workload"] for row in rows] == table["workload"].to_list()
    assert table.columns == ["workload", *(str(hour) for hour in range(336))]
    assert Counter(row["model"] for row in rows) == {"m-large": 162, "m-mid": 108, "m-small": 43}
    assert Counter(row["traffic_class"] for row in rows) == {
        "interactive": 279,
        "agentic": 32,
        "long_context": 2,
    }
    assert {row["basis"] for row in rows} == {"estimate", "assumption"} <= set(BASES)
    assert sum(row["basis"] == "assumption" for row in rows) == 55
    sources = set(pl.read_csv(FOLDER / "sources.csv")["source"])
    assert {row["source"] for row in rows} == {"servegen", "servegen-filled"} <= sources
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 4e6


def test_figures_of_the_readme() -> None:
    text = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    table, rows = demand(), workloads()
    mtok = table.select(pl.exclude("workload")).to_numpy()
    assert f"{mtok.sum() / SCALE:,.0f} Mtok in all" in text
    assert f"{mtok.sum(axis=0).max() / SCALE:,.0f} in the peak hour" in text
    assert f"{mtok.sum(axis=0).mean() / SCALE:,.0f} on average" in text
    assert f"peak hour, {mtok.sum(axis=0).max():,.0f} Mtok" in text
    assert f"peak of {mtok.sum(axis=0).max() / mtok.sum(axis=0).mean():.2f} times" in text
    assert f"{(mtok == 0).mean():.0%}".replace("%", " %") + " of all cells are 0" in text
    filled = np.array([row["basis"] == "assumption" for row in rows])
    share = mtok[filled].sum() / mtok.sum()
    assert f"They have {share:.0%}".replace("%", " %") + " of the demand" in text
    largest = mtok.sum(axis=1).argmax()
    share = mtok[largest].sum() / mtok.sum()
    assert f"{rows[largest]['workload']}, has {share:.0%}".replace("%", " %") in text
    regions = np.array([row["region"] for row in rows])
    for region in ("us-east", "us-west", "europe", "asia-pacific"):
        share = mtok[regions == region].sum() / mtok.sum()
        assert f"{region} {share:.0%}".replace("%", " %") in text


# What ServeGen's client files add up to by model: requests in 336 hours, and mean lengths of
# those requests whose lengths are known.
PUBLISHED_SUMS = {
    "m-large": (236_892_826, 914.3, 155.1),
    "m-mid": (2_165_253_970, 306.7, 50.8),
    "m-small": (1_420_558_786, 119.7, 14.9),
}


@pytest.fixture(scope="module")
def instance() -> Instance:
    return optimizer.read(FOLDER)


@pytest.fixture(scope="module")
def result(instance: Instance) -> Result:
    return optimizer.solve(instance)


@pytest.mark.parametrize("model", PUBLISHED_SUMS)
def test_requests_and_lengths_are_those_published(instance: Instance, model: str) -> None:
    requests, tokens_in, tokens_out = PUBLISHED_SUMS[model]
    rows = instance.workloads
    mine = rows.model.equal(model)
    known = mine & ~rows.source.equal("servegen-filled")
    length = rows.input_tokens + rows.output_tokens
    sent = instance.demand_mtok.sum(axis=1) / SCALE * 1e6 / length
    assert sent[mine].sum() == pytest.approx(requests, rel=1e-3)
    for column, mean in ((rows.input_tokens, tokens_in), (rows.output_tokens, tokens_out)):
        assert np.average(column[known], weights=sent[known]) == pytest.approx(mean, rel=1e-3)


def test_routes_are_derived_for_every_client(instance: Instance) -> None:
    assert (instance.num_workloads, instance.num_pools, instance.num_periods) == (313, 16, 336)
    assert set(instance.routes.workload.tolist()) == set(range(313))
    assert "" not in instance.routes.configuration.names
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{instance.num_routes:,} routes" in text


def test_longer_requests_take_more_of_a_chip(instance: Instance) -> None:
    """On each pool the longest requests of a model take more chip-hours each than the shortest."""
    routes, length = instance.routes, instance.workloads.input_tokens
    tokens = length + instance.workloads.output_tokens
    hours = routes.chip_hours_per_mtok * tokens[routes.workload]
    for model in instance.model_names:
        of_model = instance.workloads.model.equal(model)[routes.workload]
        for pool in range(instance.num_pools):
            rows = np.flatnonzero(of_model & (routes.pool == pool))
            short, long = rows[np.argsort(length[routes.workload[rows]])[[0, -1]]]
            assert hours[short] < hours[long]


def test_plan_is_verified_and_proved(result: Result) -> None:
    assert result.status == "optimal", result.reason
    assert result.verified
    assert result.relative_gap is not None
    assert result.relative_gap <= 1e-6
    assert result.evaluation is not None
    given_up = result.evaluation.unserved_mtok.sum() / result.instance.demand_mtok.sum()
    assert given_up <= 2e-3
    # The README's figure. Clients with answers of one or two tokens make the rates depend on how
    # finely the queue looks at a step.
    assert result.objective_usd == pytest.approx(OPTIMUM, rel=1e-4)
    assert f"{OPTIMUM / 1e6:.2f} million USD" in (FOLDER / "README.md").read_text(encoding="utf-8")
