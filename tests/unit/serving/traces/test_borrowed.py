"""An import with the pools of another instance is a whole instance."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.errors import InputError, UsageError
from optimizer.serving.traces.import_trace import import_trace
from optimizer.serving.traces.settings import TraceSettings
from tests.unit.serving.traces.made import AZURE, BURSTGPT, trace

ROOT = Path(__file__).parents[4]
FRONTIER = ROOT / "instances" / "frontier-2026-05"
TINY = ROOT / "instances" / "tiny"
WHOLE = TraceSettings(input_edges=(), output_edges=())
LIKE = "sonnet-interactive-us-east"


def test_like_takes_routes_regions_and_promises(tmp_path: Path) -> None:
    found = import_trace(
        trace(tmp_path, AZURE), tmp_path / "out", WHOLE, pools_from=FRONTIER, like=LIKE
    )
    instance = optimizer.read(tmp_path / "out")
    source = optimizer.read(FRONTIER)
    row = source.workloads.workload.index(LIKE)
    assert instance.name == "out"
    assert instance.workloads.workload == ("trace",)
    assert instance.workloads.model[0] == "sonnet-class"
    assert instance.workloads.ttft_ms[0] == source.workloads.ttft_ms[row] == 1500
    assert instance.workloads.unserved_usd_per_mtok[0] == 12
    assert instance.demand_mtok.tolist() == found.demand_mtok.tolist()
    mine = source.routes.workload == row
    assert instance.routes.pool.tolist() == source.routes.pool[mine].tolist()
    hours = source.routes.chip_hours_per_mtok[mine]
    assert instance.routes.chip_hours_per_mtok.tolist() == hours.tolist()
    assert len(instance.residency.workload) == 0
    # Thursday 18:00 and 19:00 of the source's week, which begins on a Monday.
    assert instance.capacity_chips.tolist() == source.capacity_chips[:, 90:92].tolist()
    assert any("least shares" in note for note in found.notes)


def test_settings_go_before_the_pattern(tmp_path: Path) -> None:
    settings = TraceSettings(input_edges=(), output_edges=(), ttft_ms=9.0, regions=("mars",))
    import_trace(trace(tmp_path, AZURE), tmp_path / "out", settings, pools_from=FRONTIER, like=LIKE)
    instance = optimizer.read(tmp_path / "out")
    assert instance.workloads.ttft_ms[0] == 9
    assert instance.workloads.tpot_ms[0] == 40
    assert instance.workloads.region[0] == "mars"


def test_residency_of_the_pattern_binds(tmp_path: Path) -> None:
    path, like = trace(tmp_path, AZURE), "opus-interactive-europe"
    import_trace(path, tmp_path / "out", WHOLE, pools_from=FRONTIER, like=like)
    instance = optimizer.read(tmp_path / "out")
    assert instance.residency.region.values() == [
        "europe-west2",
        "coreweave-europe",
        "hyperstack-europe",
    ]


def test_pattern_is_found_by_model_class_and_region(tmp_path: Path) -> None:
    columns = {"time": "Timestamp", "input": "Request tokens", "output": "Response tokens",
               "model": "Model"}  # fmt: skip
    text = BURSTGPT.replace("ChatGPT", "opus-class").replace("GPT-4", "haiku-class")
    settings = TraceSettings(
        columns=columns,
        regions=("europe",),
        input_edges=(),
        output_edges=(),
        start=datetime(2026, 5, 4, tzinfo=UTC),
    )
    import_trace(trace(tmp_path, text), tmp_path / "out", settings, pools_from=FRONTIER)
    instance = optimizer.read(tmp_path / "out")
    assert instance.workloads.workload == ("opus-class", "haiku-class")
    source = optimizer.read(FRONTIER)
    for row, name in enumerate(("opus-interactive-europe", "haiku-interactive-europe")):
        place = source.workloads.workload.index(name)
        mine = source.routes.chip_hours_per_mtok[source.routes.workload == place]
        own = instance.routes.chip_hours_per_mtok[instance.routes.workload == row]
        assert own.tolist() == mine.tolist()


def test_capacity_of_a_shorter_instance_is_repeated(tmp_path: Path) -> None:
    text = "t,i,o\n" + "".join(f"{k * 3600},1000000,0\n" for k in range(8))
    settings = TraceSettings(
        columns={"time": "t", "input": "i", "output": "o"},
        start=datetime(2026, 5, 4, tzinfo=UTC),
        input_edges=(),
    )
    source = optimizer.read(TINY / "purchase")
    like = source.workloads.workload[0]
    found = import_trace(
        trace(tmp_path, text), tmp_path / "out", settings, pools_from=TINY / "purchase", like=like
    )
    instance = optimizer.read(tmp_path / "out")
    hours = (instance.start - source.start).total_seconds() / 3600
    turn = (int(hours) + np.arange(8)) % source.num_periods
    used = [source.pools.pool.index(pool) for pool in instance.pools.pool]
    assert instance.capacity_chips.tolist() == source.capacity_chips[np.ix_(used, turn)].tolist()
    assert any("were repeated" in note for note in found.notes)


@pytest.mark.parametrize(
    ("settings", "like", "words"),
    [
        (WHOLE, "sonnet-interactive-us-eats", 'did you mean "sonnet-interactive-us-east"?'),
        (WHOLE, "", "expected one workload of model, traffic class and region llm, interactive"),
        (TraceSettings(period_hours=0.5), LIKE, "expected periods of 0.5 hours, got 1"),
    ],
)
def test_what_does_not_fit_writes_nothing(
    tmp_path: Path, settings: TraceSettings, like: str, words: str
) -> None:
    path = trace(tmp_path, AZURE)
    with pytest.raises(InputError) as error:
        import_trace(path, tmp_path / "out", settings, pools_from=FRONTIER, like=like)
    assert words in str(error.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.csv"]


def test_like_needs_an_instance(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="given by pools_from"):
        import_trace(trace(tmp_path, AZURE), tmp_path / "out", WHOLE, like=LIKE)


def test_folder_without_pools_holds_workloads_and_demand(tmp_path: Path) -> None:
    settings = TraceSettings(
        input_edges=(), output_edges=(), period_hours=0.25, names=('a "b", c',)
    )
    found = optimizer.import_trace(trace(tmp_path, AZURE), tmp_path / "out", settings)
    names = sorted(entry.name for entry in (tmp_path / "out").iterdir())
    assert names == ["demand.csv", "import.json", "instance.toml", "workloads.csv"]
    summary = json.loads((tmp_path / "out" / "import.json").read_text())
    assert summary == json.loads(json.dumps(found.summary()))
    # The tables are those of the format: with pools and routes beside them they are read back.
    for name, text in {
        "pools.csv": "pool,provider,chip,region,purchase,usd_per_chip_hour\np,A,c,r,on_demand,1\n",
        "routes.csv": 'workload,pool,chip_hours_per_mtok\n"a-""b"",-c",p,1\n',
        "capacity.csv": "pool,0,1,2,3\np,9,9,9,9\n",
    }.items():
        (tmp_path / "out" / name).write_text(text)
    instance = optimizer.read(tmp_path / "out")
    assert instance.demand_mtok.tolist() == found.demand_mtok.tolist()
    assert instance.start == found.start
    assert instance.period_hours == 0.25
    for column in ("input_tokens", "output_tokens", "input_tokens_cv", "burstiness"):
        own, read = (getattr(table.workloads, column) for table in (found, instance))
        assert own.tolist() == read.tolist()


def test_routes_are_derived_where_the_instance_has_profiles(tmp_path: Path) -> None:
    """The pattern gives the promises; lengths, spread and burstiness are those of the trace."""
    source = tmp_path / "source"
    source.mkdir()
    for name, text in {
        "instance.toml": (
            'format = 1\nname = "source"\nstart = "2023-11-16T00:00:00Z"\nperiods = 24\n'
        ),
        "workloads.csv": (
            "workload,model,traffic_class,region,unserved_usd_per_mtok,input_tokens,output_tokens,"
            "ttft_ms,tpot_ms\nchat,large,interactive,us,20,1000,200,2000,50\n"
        ),
        "demand.csv": f"workload,{','.join(map(str, range(24)))}\nchat{',1' * 24}\n",
        "pools.csv": (
            "pool,provider,chip,region,purchase,usd_per_chip_hour\neast,AWS,trn2,us,on_demand,2\n"
        ),
        "capacity.csv": f"pool,{','.join(map(str, range(24)))}\neast{',64' * 24}\n",
        "profiles.csv": (
            "model,chip,configuration,precision,chips_per_replica,max_batch,decode_base_ms,"
            "decode_per_seq_ms,prefill_base_ms,prefill_per_token_ms\n"
            "large,trn2,tp4,bf16,4,32,10,0.2,5,0.05\n"
        ),
        "network.csv": "region,pool_region,round_trip_ms\nus,us,5\n",
    }.items():
        (source / name).write_text(text)
    path = trace(tmp_path, AZURE)
    found = import_trace(path, tmp_path / "out", WHOLE, pools_from=source, like="chat")
    assert not (tmp_path / "out" / "routes.csv").exists()
    assert any("derived from profiles" in note for note in found.notes)
    instance = optimizer.read(tmp_path / "out")
    given = optimizer.read(source)
    assert instance.workloads.ttft_ms[0] == 2000
    assert instance.num_routes == given.num_routes == 1
    # Longer prompts than the pattern's: 5018 / 3 against 1000 input tokens.
    assert instance.routes.chip_hours_per_mtok[0] != given.routes.chip_hours_per_mtok[0]
    assert optimizer.solve(instance).verified
