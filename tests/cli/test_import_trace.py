"""``optimizer import-trace`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.cli.main import call
from tests.cli.test_commands import TINY, run
from tests.unit.serving.traces.made import AZURE, HOURLY, trace

LIKE = "chat"
KEYS = {
    "schema", "status", "folder", "formats", "start", "period_hours", "periods", "first_request",
    "last_request", "clock", "lines", "bad_lines", "bad_share", "problems", "requests",
    "input_tokens", "output_tokens", "cached_input_tokens", "scale", "copies", "demand_mtok",
    "requests_by_period", "mtok_by_period", "workloads", "notes",
}  # fmt: skip


def test_json_is_one_object_and_the_folder_can_be_solved(tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--pools-from", TINY / "demand", "--like", LIKE, "--scale", "1e3")
    done = run("import-trace", trace(tmp_path, AZURE), "--out", out, *options, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == KEYS
    assert found["requests"] == 3
    assert found["mtok_by_period"] == pytest.approx([5.218, 0.137])
    assert sum(row["mtok"] for row in found["workloads"]) == pytest.approx(5.355)
    assert "reading trace.csv" in done.stderr
    checked = run("check", out, "--json")
    assert json.loads(checked.stdout)["status"] == "sound"
    solved = json.loads(run("solve", out, "--json").stdout)
    assert solved["verified"]
    assert solved["unserved_mtok"] == pytest.approx(0, abs=1e-6)


def test_summary_for_people(tmp_path: Path) -> None:
    text = AZURE + "\r\nbroken"
    path = trace(tmp_path, text)
    options = ("--input-buckets", "none", "--output-buckets", "100", "--max-bad-share", "0.5")
    done = run("import-trace", path, "--out", tmp_path / "out", *options, "-q")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "2 workloads, 2 periods of 1 h from 2023-11-16T18:00:00Z" in lines[0]
    assert lines[1] == "3 requests, 5,018 input tokens (0 cached), 337 output tokens"
    assert lines[2] == "demand 0.005355 Mtok at scale 1; 1 of 4 lines bad"
    assert "bad: trace.csv, line 5: expected 3 fields, got 1" in lines
    assert lines[-1].startswith("pools, capacity and routes are missing")


def test_several_files_with_names_of_their_own(tmp_path: Path) -> None:
    paths = [trace(tmp_path, AZURE, name) for name in ("a.csv", "b.csv")]
    words = ("--name", "code", "--name", "chat", "--traffic-class", "agentic", "--model", "m")
    done = run(
        "import-trace", *paths, "--out", tmp_path / "out", *words,
        "--traffic-class", "interactive", "--input-buckets", "none", "--output-buckets", "none",
        "--json",
    )  # fmt: skip
    rows = json.loads(done.stdout)["workloads"]
    assert [(row["workload"], row["traffic_class"], row["model"]) for row in rows] == [
        ("code", "agentic", "m"),
        ("chat", "interactive", "m"),
    ]


def test_bad_lines_end_with_code_3_and_nothing_written(tmp_path: Path) -> None:
    path = trace(tmp_path, AZURE + "\nbroken,1,1")
    done = run("import-trace", path, "--out", tmp_path / "out", "--json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found["status"] == "error"
    assert found["problems"][0]["got"] == "1 of 4 lines (25.00%)"
    assert found["problems"][1]["place"] == "trace.csv, line 5, column TIMESTAMP"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--input-buckets", "4,2"), 2, "expected rising numbers > 0"),
        (("--input-buckets", "many"), 2, "expected numbers such as 1024,4096 or none"),
        (("--columns", "time"), 2, "expected time=NAME,input=NAME,output=NAME"),
        (("--columns", "time=a,input=b"), 2, "and output is not given"),
        (("--start", "2026-05-04"), 2, "expected a date and time with a zone"),
        (("--period-hours", "0"), 2, "period_hours: expected a finite number > 0"),
        (("--format", "burst"), 2, "format: expected one of azure"),
        (("--like", "x"), 2, "names a workload of the instance"),
        (("--pools-from", "nowhere"), 10, "nowhere: cannot be listed"),
    ],
)
def test_wrong_use(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    out = str(tmp_path / "out")
    assert call(["import-trace", str(trace(tmp_path, AZURE)), "--out", out, *arguments]) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_counts_ask_for_lengths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["import-trace", str(trace(tmp_path, HOURLY)), "--out", str(tmp_path / "out")]
    assert call(arguments) == 2
    assert "--input-tokens and --output-tokens" in capsys.readouterr().err
    assert call([*arguments, "--input-tokens", "500", "--output-tokens", "100"]) == 0


def test_interrupt_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from optimizer.serving.traces.tally import Tally

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Tally, "add", interrupted)
    out = str(tmp_path / "out")
    assert call(["import-trace", str(trace(tmp_path, AZURE)), "--out", out]) == 130
    assert "interrupted, nothing written" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.csv"]


def test_an_interrupt_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from optimizer.serving.traces import write_folder

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(write_folder, "_write_demand", interrupted)
    out = str(tmp_path / "out")
    assert call(["import-trace", str(trace(tmp_path, AZURE)), "--out", out]) == 130
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.csv"]


def test_help_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from optimizer.cli.main import call\n"
        "assert call(['import-trace', '--help']) == 0\n"
        "assert not {'numba', 'ortools', 'polars', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--pools-from INSTANCE" in done.stdout
