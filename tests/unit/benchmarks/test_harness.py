"""The harness runs, its records keep their layout, and it refuses what means nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare, run, startup
from benchmarks.machine import commit
from benchmarks.phases import PHASES
from benchmarks.record import KEYS, SCHEMA, load, record
from benchmarks.registry import CASES, case_named

FIGURES = {
    "read": {"ended_child_peak_rss_mib"},
    "build": {"first_seconds"},
    "solve": {
        "children_cpu_seconds",
        "largest_child_peak_rss_mib",
        "children_peak_rss_mib",
        "together_peak_rss_mib",
    },
    "plan": set(),
    "evaluate": set(),
    "prices": set(),
    "write": set(),
}
DIRECT = tuple(phase for phase in PHASES if phase != "plan")
"""Only the price method writes its plan down in a phase of its own."""
COMMON = {"seconds", "cpu_seconds", "peak_rss_mib"}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("benchmarks") / "runs.jsonl"
    assert run.main(["small", "--repeat", "1", "--out", str(out)]) == 0
    return out


def other_machine(source: Path, target: Path, **machine: Any) -> Path:
    made = load(source)
    for one in made:
        one["machine"] |= machine
    target.write_text("".join(json.dumps(one) + "\n" for one in made))
    return target


def test_a_run_is_one_line_of_the_layout(records: Path) -> None:
    (one,) = load(records)
    assert set(KEYS) <= set(one)
    assert one["schema"] == SCHEMA
    assert one["case"] == "small"
    assert set(one["machine"]) == {"cpu", "cores", "memory_gib"}
    assert set(one["load"]) == {"before", "after"}
    assert set(one["commit"]) == {"hash", "dirty"}
    assert {"python", "numpy", "ortools", "numba"} <= set(one["versions"])
    assert tuple(one["phases"]) == DIRECT
    for phase, figures in one["phases"].items():
        assert set(figures) == COMMON | FIGURES[phase]


def test_figures_mean_something(records: Path) -> None:
    (one,) = load(records)
    assert all(figures["seconds"] > 0 for figures in one["phases"].values())
    assert all(figures["peak_rss_mib"] > 10 for figures in one["phases"].values())
    solve = one["phases"]["solve"]
    assert solve["largest_child_peak_rss_mib"] > 10
    assert solve["children_peak_rss_mib"] >= solve["largest_child_peak_rss_mib"]
    assert one["size"]["columns"] > one["size"]["routes"] > 0


def test_quality_stands_beside_every_time(records: Path) -> None:
    (one,) = load(records)
    quality = one["quality"]
    assert quality["verified"]
    assert quality["status"] == "optimal"
    assert quality["relative_gap"] <= 1e-6
    assert quality["bound_usd"] <= quality["objective_usd"]
    with pytest.raises(ValueError, match="never recorded without the quality"):
        record("small", commit(), (0.0, 0.0), {"build": {"seconds": 1.0}}, {})


def test_code_that_moved_during_a_run_counts_as_changed() -> None:
    earlier = {"hash": "0" * 40, "dirty": False}
    made = record("small", earlier, (0.0, 0.0), {}, {"verified": True})
    assert made["commit"] == {"hash": "0" * 40, "dirty": True}


def test_a_file_compared_with_itself(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main([str(records), str(records)]) == 0
    text = capsys.readouterr().out
    assert "optimal, verified" in text
    ratios = [line.split()[-1] for line in text.splitlines() if " seconds " in line]
    assert ratios == ["1.00"] * len(DIRECT)


@pytest.mark.parametrize(
    "machine", [{"cpu": "another CPU"}, {"cores": 64}, {"memory_gib": 1024}], ids=lambda m: min(m)
)
def test_unlike_machines_are_not_compared(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], machine: dict[str, Any]
) -> None:
    other = other_machine(records, tmp_path / "other.jsonl", **machine)
    assert compare.main([str(records), str(other)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (what,) = machine
    assert f"the machines are unlike: {what}: " in captured.err
    assert str(machine[what]) in captured.err


def test_files_without_a_case_in_common(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = load(records)[0] | {"case": "another"}
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(one) + "\n")
    assert compare.main([str(records), str(other)]) == 2
    assert "no case in common" in capsys.readouterr().err


def test_a_line_that_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"case": "small"}\n')
    with pytest.raises(ValueError, match=r"bad.jsonl, line 1: not a record of layout 1"):
        load(tmp_path / "bad.jsonl")


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main(["smal"])
    assert "case: expected one of small, frontier" in capsys.readouterr().err


def test_names_of_cases_differ() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert all(case_named(case.name) is case for case in CASES)


def test_whole_processes(capsys: pytest.CaptureFixture[str]) -> None:
    assert startup.main(["--repeat", "1"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert set(one["phases"]) == {"help", "solve"}
    assert one["quality"]["exit_codes"] == [0, 0]
