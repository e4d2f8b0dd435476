"""Published traces, counted here line by line and compared with the import.

The files are read where they lie, beside the project; they are no part of it.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from optimizer.serving.traces.imported import Imported
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.settings import TraceSettings
from tests.pipeline.library import FOLDER

pytestmark = pytest.mark.skipif(
    not (FOLDER / "azure-llm").is_dir(), reason=f"the published traces are not in {FOLDER}"
)


def read(*names: str, **settings: object) -> Imported:
    return read_traces([FOLDER / name for name in names], TraceSettings(**settings))  # type: ignore[arg-type]


def rows(path: Path) -> Sequence[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("name", "requests"), [("code", 8_819), ("conv", 19_366)])
@pytest.mark.parametrize("hours", [1.0, 1 / 12])
def test_azure_2023(name: str, requests: int, hours: float) -> None:
    file = f"azure-llm/AzureLLMInferenceTrace_{name}.csv"
    found = read(file, period_hours=hours)
    listed = rows(FOLDER / file)
    assert found.bad_lines == 0
    assert found.lines == found.requests.sum() == len(listed) == requests
    tokens_in = sum(int(row["ContextTokens"]) for row in listed)
    tokens_out = sum(int(row["GeneratedTokens"]) for row in listed)
    assert (found.input_tokens, found.output_tokens) == (tokens_in, tokens_out)
    assert round(found.total_mtok * 1e6) == tokens_in + tokens_out
    hour = sum(row["TIMESTAMP"] < "2023-11-16 19:00:00" for row in listed)
    before = int((19 - found.start.hour - found.start.minute / 60) / hours + 0.5)
    assert found.requests[:, :before].sum() == hour


def test_mooncake_conversations() -> None:
    file = "mooncake/conversation_trace.jsonl"
    found = read(file, input_edges=(), output_edges=())
    seen: set[int] = set()
    cached = tokens = 0
    for line in (FOLDER / file).read_text().splitlines():
        row = json.loads(line)
        held = 0
        while held < len(row["hash_ids"]) and row["hash_ids"][held] in seen:
            held += 1
        cached += min(512 * held, row["input_length"])
        seen.update(row["hash_ids"])
        tokens += row["input_length"] + row["output_length"]
    assert found.cached_tokens == cached
    assert round(found.total_mtok * 1e6) == tokens
    # 37 % is what its authors state for a cache of any size.
    assert found.workloads.cached_input_fraction[0] == pytest.approx(0.37, abs=0.005)


def test_servegen_by_the_hour() -> None:
    found = read("servegen/servegen_hourly.csv.gz", without_lengths="leave_out")
    listed = [row for row in rows(FOLDER / "servegen/servegen_hourly.csv.gz")]
    known = [row for row in listed if row["mean_input_tokens"]]
    assert found.requests.sum() == sum(float(row["requests"]) for row in known)
    filled = read("servegen/servegen_hourly.csv.gz")
    assert filled.requests.sum() == sum(float(row["requests"]) for row in listed)
    for model in rows(FOLDER / "servegen/servegen_summary.csv"):
        mine = filled.workloads.model.equal(model["model"])
        assert filled.requests[mine].sum() == float(model["total_requests"])
        mean = float(model["mean_input_tokens"])
        share = filled.requests[mine].sum(axis=1) / filled.requests[mine].sum()
        assert (share * filled.workloads.input_tokens[mine]).sum() == pytest.approx(mean, abs=0.06)
        hours = filled.requests[mine][:, : int(model["hours"])].sum(axis=0)
        assert hours.max() == float(model["max_hourly_requests"])


def test_burstgpt_by_the_hour() -> None:
    file = "burstgpt/burstgpt1_hourly_day28_41.csv"
    found = read(file, input_tokens=600.0, output_tokens=200.0)
    listed = rows(FOLDER / file)
    assert found.requests.shape == (2, 336)
    assert found.requests.sum(axis=0).tolist() == [float(row["all"]) for row in listed]
    assert np.allclose(found.demand_mtok, found.requests * 800e-6, rtol=1e-12)
