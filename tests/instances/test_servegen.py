"""The demand of servegen-2w is what its script makes of the published data, and what it says."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from optimizer.instance.tables import BASES
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.settings import TraceSettings
from tests.pipeline.library import FOLDER as PUBLISHED

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "instances" / "servegen-2w"
HOURLY = PUBLISHED / "servegen" / "servegen_hourly.csv.gz"
SCALE = 500

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
    assert made == ["demand.csv", "sources.csv", "workloads.csv"]
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
    assert {row["source"] for row in rows} == sources


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
