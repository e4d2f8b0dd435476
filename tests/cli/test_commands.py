"""The command line as a user meets it: output, JSON, exit codes, files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
TINY = ROOT / "instances" / "tiny"


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "optimizer", *(str(word) for word in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a tiny instance that a test may break."""
    place = tmp_path / "instance"
    shutil.copytree(TINY / "capacity", place)
    return place


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from optimizer.cli.main import call\n"
        "assert call(['--help']) == 0\n"
        "assert call(['solve', '--help']) == 0\n"
        "heavy = {'numba', 'ortools', 'polars', 'scipy', 'pandas', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "solve" in done.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, optimizer\n"
        "heavy = {'numba', 'ortools', 'polars', 'scipy', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_loads() -> None:
    import optimizer

    for name in optimizer.__all__:
        assert getattr(optimizer, name) is not None
    assert callable(optimizer.solve)


def test_solve_prints_json_and_writes_a_plan_folder(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    done = run("solve", TINY / "capacity", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    wanted = {
        "status", "reason", "objective_usd", "bound_usd", "relative_gap", "unserved_mtok",
        "method", "solver", "verified", "seconds", "peak_rss_mib", "cost_usd",
        "share_of_compute", "size",
    }  # fmt: skip
    assert wanted <= set(found)
    assert found["status"] == "optimal"
    assert found["verified"] is True
    assert found["objective_usd"] == pytest.approx(284)
    seconds = found["seconds"]
    phases = {"read", "build", "solve", "plan", "evaluate", "prices", "write", "other"}
    assert set(seconds) == {*phases, "total"}
    assert seconds["total"] == pytest.approx(sum(seconds[phase] for phase in phases))
    assert {"workloads", "pools", "periods", "routes", "variables", "rows"} <= set(found["size"])
    assert sorted(path.name for path in out.iterdir()) == [
        "evaluation.json", "placements.parquet", "plan.json", "prices.npz",
        "shadow_prices.parquet", "unserved.parquet",
    ]  # fmt: skip
    placed = pl.read_parquet(out / "placements.parquet")
    assert placed.columns == ["workload", "pool", "period", "placed_mtok"]
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_summary_says_what_a_planner_wants_first() -> None:
    done = run("solve", TINY / "left_out", "-q")
    assert done.returncode == 0
    assert done.stderr == ""
    for words in (
        "OPTIMAL",
        "plan verified",
        "bound",
        "share of compute",
        "USD/Mtok",
        "left out of the plan",
        "price unknown",
        "--price",
        "shadow price",
    ):
        assert words in done.stdout


def test_a_price_brings_a_pool_in() -> None:
    without = json.loads(run("solve", TINY / "left_out", "--json").stdout)
    (pool,) = without["left_out"]
    given = json.loads(run("solve", TINY / "left_out", "--json", "--price", f"{pool}=2.5").stdout)
    assert given["left_out"] == {}
    assert given["objective_usd"] == pytest.approx(73)
    assert without["objective_usd"] == pytest.approx(94)


def test_an_unknown_pool_in_a_price_is_named(folder: Path) -> None:
    done = run("solve", folder, "--price", "chaep=1")
    assert done.returncode == 3
    assert 'expected the name of a known pool, got "chaep" (did you mean "cheap"?)' in done.stderr


def test_progress_goes_to_standard_error_only() -> None:
    done = run("solve", TINY / "demand", "--json")
    json.loads(done.stdout)
    assert "build" in done.stderr


def test_bad_input_is_refused_with_every_problem_and_nothing_is_written(
    folder: Path, tmp_path: Path
) -> None:
    text = (folder / "demand.csv").read_text()
    (folder / "demand.csv").write_text(text.replace("150", "lots", 1))
    (folder / "pools.csv").write_text(
        (folder / "pools.csv").read_text().replace("on_demand", "ondemand")
    )
    out = tmp_path / "plan"
    done = run("solve", folder, "--out", out, "--json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found["status"] == "error"
    assert {problem["place"].split(",")[0] for problem in found["problems"]} == {
        "demand.csv", "pools.csv",
    }  # fmt: skip
    assert 'got "lots"' in done.stderr
    assert 'did you mean "on_demand"?' in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--solver", "glp"], "did you mean 'glop'?"),
        (
            ["--method", "magic"],
            "expected one of auto, direct, rounding, rolling, price, price_rounding, greedy, "
            "got 'magic'",
        ),
        (["--gap", "nan"], "expected a number >= 0 and < 1, got nan"),
        (["--gap", "1"], "expected a number >= 0 and < 1, got 1"),
        (["--time-limit", "-1"], "expected a number >= 0, got -1"),
        (["--time-limit", "nan"], "expected a number >= 0, got nan"),
        (["--time-limt", "3"], "--time-limit"),
        (["--price", "cheap"], "expected POOL=USD, got 'cheap'"),
        (["--price", "cheap=-1"], "expected a number >= 0 and <= 1e+06, got -1"),
        (["--threads", "0"], "0 is not in the range x>=1"),
        (["--method", "greedy", "--solver", "glop"], "the greedy method uses none"),
    ],
)
def test_usage_errors_say_what_would_work(arguments: list[str], words: str) -> None:
    done = run("solve", TINY / "demand", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    done = run("slove", TINY / "demand")
    assert done.returncode == 2
    assert "Did you mean 'solve'?" in done.stderr


def test_json_is_one_object_on_usage_errors_too() -> None:
    done = run("solve", TINY / "demand", "--json", "--solver", "glp")
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "error"


def test_a_budget_is_kept(folder: Path) -> None:
    toml = folder / "instance.toml"
    toml.write_text(toml.read_text() + "\n[limits]\nbudget_usd = 100\n")
    found = json.loads(run("solve", folder, "--json").stdout)
    parts = found["cost_usd"]
    assert found["verified"]
    assert sum(parts.values()) == pytest.approx(found["objective_usd"])
    assert found["objective_usd"] - parts["unserved"] == pytest.approx(100)


def test_a_rule_that_cannot_be_kept_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    shutil.copytree(TINY / "left_out", folder)
    unknown = next(
        row["pool"]
        for row in pl.read_csv(folder / "pools.csv").to_dicts()
        if row["usd_per_chip_hour"] is None
    )
    head = "share,attribute,value,measure,min"
    (folder / "shares.csv").write_text(f"{head}\nwanted,pool,{unknown},tokens,0.1\n")
    done = run("solve", folder)
    assert done.returncode == 2
    assert "share 'wanted' asks for at least 0.1 of tokens" in done.stderr


def test_time_limit_zero_ends_at_once_without_a_plan() -> None:
    done = run("solve", TINY / "demand", "--time-limit", 0, "--json")
    assert done.returncode == 7
    found = json.loads(done.stdout)
    assert found["status"] == "no_plan"
    assert found["limit"] == "time"
    assert found["objective_usd"] is None


def test_an_infinite_time_limit_is_none() -> None:
    assert run("solve", TINY / "demand", "--time-limit", "inf").returncode == 0


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = run("solve", TINY / "demand", "--out", tmp_path)
    assert done.returncode == 10
    assert "exists and is not empty: give a new folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_an_earlier_plan_folder_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    assert run("solve", TINY / "demand", "--out", out).returncode == 0
    assert run("solve", TINY / "capacity", "--out", out).returncode == 0
    assert json.loads((out / "plan.json").read_text())["instance"] == "tiny-capacity"
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_check_judges_a_plan_folder(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    for name in ("capacity", "shares", "shares_spend", "deadline"):
        assert run("solve", TINY / name, "--out", out).returncode == 0
        done = run("check", TINY / name, out, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(done.stdout)
        assert found["verified"] is True
        assert found["relative_gap"] < 1e-9


def test_check_refuses_a_plan_that_was_edited_by_hand(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    assert run("solve", TINY / "capacity", "--out", out).returncode == 0
    placed = pl.read_parquet(out / "placements.parquet")
    placed.with_columns(pl.col("placed_mtok") * 1.01).write_parquet(out / "placements.parquet")
    done = run("check", TINY / "capacity", out)
    assert done.returncode == 8
    assert "REFUSED" in done.stdout
    assert "capacity: cheap, period" in done.stdout
    assert "demand: chat, period" in done.stdout


def test_check_refuses_a_plan_for_other_data(tmp_path: Path, folder: Path) -> None:
    out = tmp_path / "plan"
    assert run("solve", TINY / "capacity", "--out", out).returncode == 0
    demand = folder / "demand.csv"
    demand.write_text(demand.read_text().replace("150", "151", 1))
    done = run("check", folder, out)
    assert done.returncode == 3
    assert "the plan was made for other data" in done.stderr


def test_check_says_what_is_doubtful() -> None:
    done = run("check", TINY / "left_out")
    assert done.returncode == 0
    assert "sound" in done.stdout
    assert "price unknown, so they take no part" in done.stdout


def test_show_knows_instances_and_plans(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    run("solve", TINY / "shares", "--out", out)
    for place, words in ((TINY / "shares", "share"), (out, "OPTIMAL")):
        done = run("show", place)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout
        json.loads(run("show", place, "--json").stdout)


def test_generate_is_seeded_and_solvable(tmp_path: Path) -> None:
    sizes = ["--workloads", 12, "--pools", 4, "--periods", 6, "--deferrable", 0.4, "--shares"]
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        done = run("generate", tmp_path / name, *sizes, "--seed", seed, "--json")
        assert done.returncode == 0, done.stderr
        digests.append(json.loads(done.stdout)["digest"])
    assert digests[0] == digests[1] != digests[2]
    done = run("solve", tmp_path / "a", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["status"] == "optimal"


def test_greedy_is_feasible_and_not_below_the_bound() -> None:
    done = run("solve", TINY / "capacity", "--method", "greedy", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert found["verified"] is True
    assert found["bound_usd"] <= 284 + 1e-9 <= found["objective_usd"] + 1e-6


def test_missing_folder_is_an_error_of_files(tmp_path: Path) -> None:
    done = run("solve", tmp_path / "nowhere")
    assert done.returncode == 10
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_same_input_gives_the_same_plan_byte_for_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("solve", TINY / "shares", "--out", tmp_path / name).returncode == 0
    for table in ("placements", "unserved", "shadow_prices"):
        first = (tmp_path / "one" / f"{table}.parquet").read_bytes()
        assert first == (tmp_path / "two" / f"{table}.parquet").read_bytes()


def test_closed_standard_output_ends_quietly() -> None:
    command = f"{sys.executable} -m optimizer solve {TINY / 'demand'} | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert done.returncode in (0, 141)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_search_and_leaves_no_half_plan(
    tmp_path: Path, number: int, code: int
) -> None:
    """Interrupted while it solves: the best verified plan is written, or nothing is."""
    made = run(
        "generate",
        tmp_path / "big",
        "--workloads",
        400,
        "--pools",
        12,
        "--periods",
        96,
        "--deferrable",
        0.5,
        "--window",
        24,
        "--matrices",
        "npy",
    )
    assert made.returncode == 0, made.stderr
    out = tmp_path / "plan"
    process = subprocess.Popen(
        [sys.executable, "-m", "optimizer", "solve", str(tmp_path / "big"), "--out", str(out),
         "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "] solve" in line:
            break
    time.sleep(0.3)
    os.kill(process.pid, number)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == code, stdout
    found = json.loads(stdout)
    if found["status"] in ("feasible", "optimal"):
        assert found["verified"] is True
        assert (out / "plan.json").exists()
    else:
        assert not out.exists()
    leftovers = [path.name for path in tmp_path.iterdir() if path.name.startswith(".plan")]
    assert leftovers == []


def test_generate_makes_fleets(tmp_path: Path) -> None:
    options = ["--workloads", 12, "--pools", 4, "--periods", 2, "--models", 3]
    done = run("generate", tmp_path / "a", *options, "--replicas", "--power", "--json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a" / "replicas.csv").exists()
    assert (tmp_path / "a" / "power.csv").exists()
    done = run("check", tmp_path / "a")
    assert done.returncode == 0, done.stdout
