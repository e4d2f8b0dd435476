"""Each format: what its rows become, to the token."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from optimizer.errors import InputError, UsageError
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.registry import NAMES
from optimizer.serving.traces.settings import TraceSettings
from tests.unit.serving.traces.made import (
    AZURE,
    BURSTGPT,
    HOURLY,
    MOONCAKE,
    SERVEGEN,
    trace,
    whole,
)

MAY = datetime(2026, 5, 4, tzinfo=UTC)


def test_azure_by_the_hour(tmp_path: Path) -> None:
    found = whole(tmp_path, AZURE)
    assert found.formats == ("azure",)
    assert found.start == datetime(2023, 11, 16, 18, tzinfo=UTC)
    assert found.requests.tolist() == [[2, 1]]
    assert found.demand_mtok.tolist() == [[5218e-6, 137e-6]]
    assert (found.input_tokens, found.output_tokens) == (5018, 337)
    assert found.workloads.workload == ("trace",)
    assert found.workloads.input_tokens[0] == pytest.approx(5018 / 3, rel=1e-5)
    assert found.workloads.output_tokens_cv[0] == pytest.approx(
        np.std([10, 300, 27]) / np.mean([10, 300, 27]), rel=1e-5
    )


def test_length_buckets_split_requests_and_keep_their_sum(tmp_path: Path) -> None:
    path = trace(tmp_path, AZURE)
    found = read_traces([path], TraceSettings(input_edges=(110, 4809), output_edges=(27,)))
    assert found.workloads.workload == (
        "trace-in0-109-out27+",
        "trace-in110-4808-out0-26",
        "trace-in110-4808-out27+",
    )
    assert found.requests.sum(axis=1).tolist() == [1, 1, 1]
    assert found.demand_mtok.sum() == pytest.approx(5355e-6, rel=1e-12)


def test_default_buckets_are_powers_of_four(tmp_path: Path) -> None:
    found = read_traces([trace(tmp_path, AZURE)])
    assert found.workloads.workload == (
        "trace-in0-1023-out0-255",
        "trace-in0-1023-out256+",
        "trace-in4096-16383-out0-255",
    )


def test_mooncake_counts_prefixes_seen_before(tmp_path: Path) -> None:
    found = whole(tmp_path, MOONCAKE, start=MAY)
    assert found.formats == ("mooncake",)
    assert found.start == MAY
    assert found.requests.tolist() == [[2, 1]]
    # The second prompt finds two blocks of 512, the third both of its own: all 1000 tokens.
    assert found.cached_tokens == 1024 + 1000
    assert found.workloads.cached_input_fraction[0] == pytest.approx(2024 / 3800, rel=1e-5)


def test_mooncake_cache_is_bounded(tmp_path: Path) -> None:
    found = whole(tmp_path, MOONCAKE, cached_blocks=1)
    # Only block 1, the beginning of every prompt, is held.
    assert found.cached_tokens == 512 + 512


def test_servegen_fills_clients_without_lengths(tmp_path: Path) -> None:
    found = whole(tmp_path, SERVEGEN, start=MAY)
    assert found.formats == ("servegen",)
    assert found.workloads.workload == ("large-0", "large-1", "large-2")
    assert found.workloads.model.values() == ["large"] * 3
    mean_in = (40 * 100.5 + 60 * 400) / 100
    mean_out = (10 * 20 + 30 * 40 + 60 * 10) / 100
    assert found.workloads.input_tokens.tolist() == [100.5, pytest.approx(mean_in, rel=1e-5), 400]
    assert found.workloads.output_tokens[0] == 35
    assert found.demand_mtok[1].tolist() == [0, pytest.approx(5 * (mean_in + mean_out) / 1e6)]
    assert found.requests.sum() == 105
    assert "1 workloads have requests without lengths, which were left out: 7 requests" in (
        found.notes
    )


def test_servegen_leaves_clients_without_lengths_out(tmp_path: Path) -> None:
    found = whole(tmp_path, SERVEGEN, without_lengths="leave_out")
    assert found.workloads.workload == ("large-0", "large-2")
    assert found.requests.sum() == 100
    assert any("left out: 12 requests" in note for note in found.notes)


def test_a_client_s_own_mean_goes_before_that_of_its_model(tmp_path: Path) -> None:
    text = SERVEGEN + "large,0,2,10,,\n"
    found = whole(tmp_path, text)
    mean_out = (10 * 20 + 30 * 40) / 40
    assert found.demand_mtok[0, 2] == pytest.approx(10 * (100.5 + mean_out) / 1e6, rel=1e-12)


def test_compressed_trace_is_the_same(tmp_path: Path) -> None:
    plain = whole(tmp_path, SERVEGEN)
    packed = whole(tmp_path, gzip.compress(SERVEGEN.encode()))
    assert packed.demand_mtok.tolist() == plain.demand_mtok.tolist()


def test_burstgpt_splits_by_model_and_log(tmp_path: Path) -> None:
    found = whole(tmp_path, BURSTGPT, start=MAY)
    assert found.formats == ("burstgpt",)
    assert found.workloads.workload == (
        "ChatGPT-conversation",
        "GPT-4-conversation",
        "ChatGPT-api",
    )
    assert found.workloads.model.values() == ["ChatGPT", "GPT-4", "ChatGPT"]
    assert found.workloads.traffic_class.values() == ["conversation", "conversation", "api"]
    assert found.demand_mtok.tolist() == [[490e-6, 0], [1317e-6, 0], [0, 100e-6]]


def test_burstgpt_with_later_columns(tmp_path: Path) -> None:
    text = (
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,"
        "Log Type\n5.25,,3.1,ChatGPT,472,18,490,API log\n"
    )
    assert whole(tmp_path, text).workloads.workload == ("ChatGPT-api",)


def test_hourly_counts_with_given_lengths(tmp_path: Path) -> None:
    found = whole(tmp_path, HOURLY, input_tokens=600.0, output_tokens=200.0, start=MAY)
    assert found.formats == ("hourly",)
    assert found.workloads.workload == ("conversation", "api")
    assert found.start == datetime(2026, 6, 1, tzinfo=UTC)  # day 28
    assert found.requests.tolist() == [[88, 0, 50], [2, 0, 10]]
    assert found.demand_mtok[0].tolist() == [0.0704, 0, 0.04]


def test_hourly_counts_need_lengths(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--input-tokens and --output-tokens"):
        whole(tmp_path, HOURLY)


def test_burstgpt_is_also_the_name_of_its_hourly_counts(tmp_path: Path) -> None:
    found = whole(tmp_path, HOURLY, format="burstgpt", input_tokens=1.0, output_tokens=1.0)
    assert found.formats == ("hourly",)


def test_named_columns(tmp_path: Path) -> None:
    text = (
        'id,when,"prompt, all",completion,hit,team,where\n'
        '1,1777852800000,"1000",200,400,search,eu\n'
        "2,1777852801000,3000,100,0,search,us\n"
        "3,1777856400000,10,20,10,ads,eu\n"
    )
    columns = {
        "time": "when", "input": "prompt, all", "output": "completion", "cached": "hit",
        "workload": "team", "region": "where",
    }  # fmt: skip
    found = whole(tmp_path, text, columns=columns, time_unit="ms")
    assert found.start == MAY  # 1777852800 s
    assert found.workloads.workload == ("search", "search-2", "ads")
    assert found.workloads.region.values() == ["eu", "us", "eu"]
    assert found.workloads.cached_input_fraction.tolist() == [0.4, 0, 1]
    assert found.requests.sum(axis=1).tolist() == [1, 1, 1]
    assert found.clock == "counted from 1970"


def test_what_the_user_says_goes_before_what_the_trace_says(tmp_path: Path) -> None:
    found = whole(tmp_path, BURSTGPT, models=("m",), regions=("eu",), names=("uni",), ttft_ms=500.0)
    assert set(found.workloads.model.values()) == {"m"}
    assert set(found.workloads.region.values()) == {"eu"}
    assert found.workloads.workload[0] == "uni-ChatGPT-conversation"
    assert found.workloads.ttft_ms.tolist() == [500.0] * 3
    assert np.isnan(found.workloads.tpot_ms).all()


def test_files_of_one_name_are_added_up(tmp_path: Path) -> None:
    paths = [trace(tmp_path, AZURE, name) for name in ("a.csv", "b.csv")]
    none = {"input_edges": (), "output_edges": ()}
    apart = read_traces(paths, TraceSettings(**none))  # type: ignore[arg-type]
    assert apart.workloads.workload == ("a", "b")
    together = read_traces(paths, TraceSettings(names=("chat",), **none))  # type: ignore[arg-type]
    assert together.workloads.workload == ("chat",)
    assert together.requests.tolist() == [[4, 2]]


def test_scale_multiplies_the_demand_only(tmp_path: Path) -> None:
    found = whole(tmp_path, AZURE, scale=1000.0)
    assert found.requests.sum() == 3
    assert found.total_mtok == pytest.approx(5.355, rel=1e-12)
    assert found.summary()["input_tokens"] == 5018


def test_counts_by_the_hour_are_not_cut_into_less(tmp_path: Path) -> None:
    for hours in (0.5, 1.5):
        with pytest.raises(UsageError, match="counts by hour need whole hours"):
            whole(tmp_path, SERVEGEN, period_hours=hours)
    assert whole(tmp_path, SERVEGEN, period_hours=2.0).requests.shape == (3, 1)


def test_a_missing_line_end_is_told(tmp_path: Path) -> None:
    assert any("no line end behind the last line" in note for note in whole(tmp_path, AZURE).notes)
    found = whole(tmp_path, AZURE + "\r\n")
    assert not any("no line end" in note for note in found.notes)


def test_an_unknown_first_line_is_answered_with_the_formats(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"trace.csv, line 1: expected the first line of a known"):
        whole(tmp_path, "a,b,c\n1,2,3\n")
    with pytest.raises(UsageError, match=r'expected one of azure, .*, got "azur"'):
        whole(tmp_path, AZURE, format="azur")
    assert NAMES == ("azure", "mooncake", "servegen", "burstgpt", "hourly", "csv")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        whole(tmp_path, AZURE, columns={"time": "TIMESTAMP", "input": "Context", "output": "x"})
    assert [str(problem) for problem in error.value.problems] == [
        'trace.csv, line 1: expected a column "Context", got none (did you mean "ContextTokens"?)',
        'trace.csv, line 1: expected a column "x", got none',
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start": MAY}, "azure have dates of their own"),
        ({"models": ("a", "b")}, "model: expected one, or one for each of 1 files"),
        ({"columns": {"time": "a"}}, "and input is not given"),
        ({"columns": {"tim": "a"}}, 'got "tim"'),
        ({"period_hours": float("nan")}, "period_hours: expected a finite number > 0"),
        ({"scale": 0.0}, "scale: expected a finite number > 0"),
        ({"time_zone": "Mars/Base"}, 'got "Mars/Base"'),
        ({"start": datetime(2026, 5, 4)}, "with a zone"),
        ({"input_edges": (5, 5)}, "input buckets: expected rising numbers > 0"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        whole(tmp_path, AZURE, **settings)


def test_buckets_need_single_requests(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="need traces of single requests"):
        whole(tmp_path, SERVEGEN, input_edges=(100,))
    paths = [trace(tmp_path, AZURE, "a.csv"), trace(tmp_path, SERVEGEN, "b.csv")]
    with pytest.raises(UsageError, match="cannot be read together"):
        read_traces(paths)


def test_mooncake_lines_that_take_a_closer_look_give_the_same(tmp_path: Path) -> None:
    """A bad line sends its block through the slow reader, which must agree with the fast one."""
    rng = np.random.default_rng(0)
    lines = [
        f'{{"timestamp": {27 * k}, "input_length": {rng.integers(9000)}, "output_length": '
        f'{rng.integers(90)}, "hash_ids": {rng.integers(0, 60, rng.integers(0, 9)).tolist()}}}\n'
        for k in range(500)
    ]
    fast = whole(tmp_path, "".join(lines))
    slow = whole(tmp_path, "".join([*lines[:250], "{\n", *lines[250:]]))
    assert (fast.bad_lines, slow.bad_lines) == (0, 1)
    assert fast.cached_tokens == slow.cached_tokens > 0
    assert fast.demand_mtok.tolist() == slow.demand_mtok.tolist()


def test_mooncake_hashes_may_be_text(tmp_path: Path) -> None:
    named = (
        MOONCAKE.replace("[1, 2", '["a", "b"').replace(", 3]", ', "c"]').replace(", 4]", ', "d"]')
    )
    found = whole(tmp_path, named)
    assert found.bad_lines == 0
    assert found.cached_tokens == 1024 + 1000


def test_mooncake_without_hashes(tmp_path: Path) -> None:
    found = whole(tmp_path, '{"timestamp": 1, "input_length": 5, "output_length": 1}\n' * 2)
    assert found.cached_tokens == 0
    assert found.requests.sum() == 2
