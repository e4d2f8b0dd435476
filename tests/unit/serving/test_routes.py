"""Derived routes: every pair is one or has a reason, and the best way is chosen."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.errors import InputError
from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.read import read as read_tables
from optimizer.instance.select import select
from optimizer.instance.serving_tables import Throughputs
from optimizer.serving import flags as flag
from optimizer.serving.derivation import Derivation, sentence
from optimizer.serving.profiles import ways
from optimizer.serving.queue import predict
from optimizer.serving.ranges import throughput_range
from optimizer.serving.reading import read_derived
from optimizer.serving.routes import derive
from tests.faults.folder import Folder
from tests.unit.serving.folder import made


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return made(tmp_path / "instance")


def derived(folder: Folder) -> tuple[Instance, Derivation]:
    instance, derivation = read_derived(folder.path)
    assert derivation is not None
    return instance, derivation


def pairs_of(instance: Instance) -> list[tuple[str, str]]:
    routes = instance.routes
    return [
        (instance.workloads.workload[w], instance.pools.pool[p])
        for w, p in zip(routes.workload.tolist(), routes.pool.tolist(), strict=True)
    ]


def reasons(instance: Instance, derivation: Derivation) -> dict[tuple[str, str], str]:
    found = derivation.refusals
    return {
        (instance.workloads.workload[w], instance.pools.pool[p]): sentence(instance, found, row)
        for row, (w, p) in enumerate(zip(found.workload.tolist(), found.pool.tolist(), strict=True))
    }


def test_every_pair_is_a_route_or_has_a_reason(folder: Folder) -> None:
    instance, derivation = derived(folder)
    routes, told = pairs_of(instance), reasons(instance, derivation)
    assert len(routes) + len(told) == instance.num_workloads * instance.num_pools
    assert not set(routes) & set(told)
    assert sum(derivation.refusals.counts().values()) == len(told)
    slow = [told.pop(("hasty", pool)) for pool in ("here", "there")]
    assert told == {
        ("think", "here"): "network has no row from eu to us",
        ("think", "there"): "memory of H100 does not hold sparse and one request (ep8)",
        ("think", "far"): "round trip of 220 ms, at most 100 allowed",
        ("mail", "far"): "no profile of small on GB200",
        ("mail", "rack"): "no profile of small on GB200",
        **{
            ("vague", pool): "input_tokens or output_tokens of the workload are not given"
            for pool in ("here", "there", "far", "rack")
        },
        ("hasty", "far"): "time per output token: 1 ms promised, 12.2 at best (bench)",
        ("hasty", "rack"): "time per output token: 1 ms promised, 12.2 at best (bench)",
    }
    for text in slow:
        assert text.startswith("time per output token: 1 ms promised, ")
        assert text.endswith("at best (tp4)")  # the largest comes nearest


def test_a_route_says_what_it_rests_on(folder: Folder) -> None:
    instance, derivation = derived(folder)
    routes, found = instance.routes, derivation.delivery
    at = {pair: row for row, pair in enumerate(pairs_of(instance))}
    row = at["mail", "there"]
    assert routes.configuration[row] == "table"
    assert routes.basis[row] == "published"  # one of the corners is no more than that
    rate = 4 / (1 / 40 + 1 / 20 + 1 / 10 + 1 / 5)
    assert found.requests_per_second[row] == pytest.approx(rate)
    assert routes.chip_hours_per_mtok[row] == pytest.approx(1e6 / 512 / 3600 / rate)
    assert (routes.usd_per_mtok[row], routes.latency_ms[row]) == (0.02, 30)
    assert found.ttft_ms[row] == pytest.approx(75 + 30)
    assert found.binding[row] == "measured"
    assert found.flags[row] == 0
    row = at["chat", "rack"]
    assert routes.basis[row] == "measured"
    assert found.flags[row] == 0
    row = at["docs", "rack"]
    assert found.flags[row] & flag.BEYOND_RANGE
    row = at["chat", "here"]
    assert routes.basis[row] == "estimate"
    assert found.flags[row] & flag.ESTIMATED
    assert (routes.usd_per_mtok[row], routes.latency_ms[row]) == (0, 0)


def test_promises_are_kept_and_the_rate_is_the_largest(folder: Folder) -> None:
    instance, derivation = derived(folder)
    found, routes, people = derivation.delivery, instance.routes, instance.workloads
    rows = np.flatnonzero(np.array(found.binding) != "measured")
    workload, profile = routes.workload[rows].astype(int), found.profile[rows].astype(int)
    for factor, kept in ((1.0, True), (1.03, False)):
        stations = ways(instance, profile, workload).stations(np.arange(len(rows)))
        rate = found.requests_per_second[rows] * factor
        limited = np.isin(np.array(found.binding)[rows], ["ttft", "tpot"])
        told = predict(stations, rate, people.slo_percentile[workload])
        tail = ~np.isnan(people.slo_percentile[workload])
        ttft = np.where(tail, told.ttft_percentile_ms, told.ttft_ms) + found.round_trip_ms[rows]
        tpot = np.where(tail, told.tpot_percentile_ms, told.tpot_ms)
        broken = (ttft > people.ttft_ms[workload] * 1.001) | (
            tpot > people.tpot_ms[workload] * 1.001
        )
        assert limited.sum() >= 4
        assert (broken[limited] != kept).all()


def test_the_chosen_way_takes_the_fewest_chip_hours(folder: Folder) -> None:
    instance = derived(folder)[0]
    best = dict(zip(pairs_of(instance), instance.routes.chip_hours_per_mtok, strict=True))
    table = instance.profiles
    alone: dict[tuple[str, str], list[float]] = {}
    for row in range(len(table.model)):
        part = {}
        for field in dataclasses.fields(table):
            values = getattr(table, field.name)
            part[field.name] = (
                values[[row]] if isinstance(values, np.ndarray) else values.take([row])
            )
        none = table_of(Throughputs, 0)
        measured = instance.throughputs if table.configuration[row] == "table" else none
        one = dataclasses.replace(instance, profiles=type(table)(**part), throughputs=measured)
        found = derive(one)[0]
        for pair, hours in zip(pairs_of(found), found.routes.chip_hours_per_mtok, strict=True):
            alone.setdefault(pair, []).append(float(hours))
    assert set(alone) == set(best)
    assert {pair: min(hours) for pair, hours in alone.items()} == pytest.approx(best, rel=1e-9)
    assert any(len(hours) == 3 for hours in alone.values())


def test_the_same_folder_gives_the_same_routes(folder: Folder) -> None:
    first, second = derived(folder)[0], derived(folder)[0]
    assert first.digest == second.digest
    assert first.digest == optimizer.read(folder.path).digest


def test_a_part_of_the_instance_has_the_routes_of_the_whole(folder: Folder) -> None:
    instance = derived(folder)[0]
    part = select(instance, workloads=["docs", "chat"], pools=["rack", "here"])
    again = derive(part)[0]
    assert pairs_of(again) == pairs_of(part)
    assert again.routes.chip_hours_per_mtok == pytest.approx(part.routes.chip_hours_per_mtok)


def test_each_pool_by_itself_has_the_same_routes(folder: Folder) -> None:
    # Alone no pool borrows the answer of another that stands farther away.
    folder.file(
        "network.csv", folder.text("network.csv").replace("us,us-east,30", "us,us-east,700")
    )
    instance, derivation = derived(folder)
    whole = dict(zip(pairs_of(instance), instance.routes.chip_hours_per_mtok, strict=True))
    assert {"ttft", "tpot", "throughput"} <= set(derivation.delivery.binding)
    for pool in instance.pools.pool:
        alone = derive(select(instance, pools=[pool]))[0]
        hours = dict(zip(pairs_of(alone), alone.routes.chip_hours_per_mtok, strict=True))
        wanted = {pair: value for pair, value in whole.items() if pair[1] == pool}
        assert hours == pytest.approx(wanted, rel=1e-9)


def test_routes_that_are_given_are_left_as_they_are(folder: Folder) -> None:
    folder.file("routes.csv", "workload,pool,chip_hours_per_mtok\nchat,far,7\n")
    instance, derivation = read_derived(folder.path)
    assert derivation is None
    assert instance.routes.chip_hours_per_mtok.tolist() == [7]
    assert optimizer.read(folder.path).num_routes == 1


def test_the_plain_reader_derives_nothing(folder: Folder) -> None:
    assert read_tables(folder.path).num_routes == 0


def test_derived_routes_can_be_written_and_are_given_then(folder: Folder, tmp_path: Path) -> None:
    instance = derived(folder)[0]
    optimizer.write(instance, tmp_path / "copy")
    again, derivation = read_derived(tmp_path / "copy")
    assert derivation is None
    assert again.digest == instance.digest


def test_policy(folder: Folder) -> None:
    folder.file("residency.csv", "workload,region\ndocs,us\n")
    folder.file(
        "exclusions.csv",
        "exclusion,model,provider,reason\nno-b,dense,B,not audited\nno-c,dense,C,\n",
    )
    folder.file("qualification.csv", "model,chip,qualified_from\nsmall,GB200,\nsparse,GB200,\n")
    told = reasons(*derived(folder))
    assert told["docs", "rack"] == "residency: us-east is not allowed"
    assert told["chat", "there"] == "exclusion no-b: not audited"
    assert told["chat", "rack"] == "exclusion no-c"
    assert told["mail", "here"] == "small is not qualified on H100 within the horizon"
    assert ("docs", "here") not in told


def test_a_chip_that_is_qualified_later_has_its_route(folder: Folder) -> None:
    text = "model,chip,qualified_from\nsparse,GB200,2026-05-04T01:00:00Z\n"
    assert ("think", "rack") in pairs_of(derived(folder.file("qualification.csv", text))[0])
    folder.replace("qualification.csv", "T01", "T02")
    assert ("think", "rack") in reasons(*derived(folder))


def test_lengths_beyond_the_table(folder: Folder) -> None:
    folder.cell("workloads", 5, "input_tokens", "600")
    told = reasons(*derived(folder))
    assert told["mail", "here"] == "lengths of the requests lie beyond the measured table (table)"
    for column, value in (
        ("max_batch", "32"),
        ("decode_base_ms", "8"),
        ("decode_per_seq_ms", "0.1"),
        ("prefill_base_ms", "2"),
        ("prefill_per_token_ms", "0.01"),
    ):
        folder.cell("profiles", 8, column, value)
    instance, derivation = derived(folder)
    row = pairs_of(instance).index(("mail", "here"))
    assert derivation.delivery.flags[row] & flag.BEYOND_TABLE


def test_measured_times_must_keep_the_promise(folder: Folder) -> None:
    folder.cell("workloads", 5, "ttft_ms", "100")
    told = reasons(*derived(folder))
    assert told["mail", "there"] == "time to first token: 100 ms promised, 105 at best (table)"
    assert ("mail", "here") not in told


def test_measured_rates_without_times_are_flagged(folder: Folder) -> None:
    for row in range(2, 6):
        folder.cell("throughputs", row, "tpot_ms", "")
    folder.cell("workloads", 5, "slo_percentile", "90")
    instance, derivation = derived(folder)
    row = pairs_of(instance).index(("mail", "here"))
    assert flag.words(int(derivation.delivery.flags[row])) == [
        "promise not checked: the measured table has no times",
        "percentile not checked: the measured table has means",
    ]


def test_without_network_distances_count_nothing(folder: Folder) -> None:
    instance = derived(folder.without("network.csv"))[0]
    assert (instance.routes.latency_ms == 0).all()
    assert ("think", "far") in pairs_of(instance)


def test_the_round_trip_counts_against_the_first_token(folder: Folder) -> None:
    folder.cell("workloads", 2, "ttft_ms", "600")
    instance, derivation = derived(folder)
    at = {pair: row for row, pair in enumerate(pairs_of(instance))}
    near, far = at["chat", "here"], at["chat", "there"]
    found = derivation.delivery
    assert found.binding[far] == "ttft"
    assert found.requests_per_second[far] < found.requests_per_second[near] * (1 - 1e-3)
    assert found.ttft_percentile_ms[far] == pytest.approx(600, rel=1e-3)


def test_replicas_choose_profiles_of_their_size(folder: Folder) -> None:
    folder.file("replicas.csv", "model,chip,chips_per_replica\ndense,H100,2\n")
    instance = derived(folder)[0]
    at = {pair: row for row, pair in enumerate(pairs_of(instance))}
    assert instance.routes.configuration[at["chat", "here"]] == "tp2"
    folder.file("replicas.csv", "model,chip,chips_per_replica\ndense,H100,3\n")
    with pytest.raises(InputError) as caught:
        read_derived(folder.path)
    assert str(caught.value) == (
        "replicas.csv, row 2, column chips_per_replica: expected that of a profile of "
        '"dense" on "H100": 1, 2, 4 [chips], got 3 '
        "(the same number in both, or a profile for this one)"
    )


def test_batch_of_long_answers(folder: Folder) -> None:
    instance = read_tables(folder.path)
    table = dataclasses.replace(
        instance.profiles, max_batch_at_tokens=np.full(len(instance.profiles.model), 200.0)
    )
    changed = dataclasses.replace(instance, profiles=table)
    rows = np.array([3, 3])
    told = ways(changed, rows, np.array([0, 1])).columns["max_batch"]
    assert told.tolist() == [25, 50]  # 64 * 200 / 512 and 64 * 200 / 256
    assert ways(instance, rows, np.array([0, 1])).columns["max_batch"].tolist() == [64, 64]


def test_an_estimated_step_bounds_the_batch(folder: Folder) -> None:
    instance = read_tables(folder.path)
    found = ways(instance, np.array([1, 1]), np.array([0, 1])).columns
    step = found["decode_base_ms"] + found["decode_per_seq_ms"] * found["max_batch"]
    assert step[0] <= 50 * (1 + 1e-9)  # promised by chat
    # docs promises nothing: 2 (72e9 - 35e9) / (163840 (4096 + 256 / 2)) = 106.9
    assert found["max_batch"][1] == 106


def test_ranges(folder: Folder) -> None:
    instance, derivation = derived(folder)
    rows = np.arange(instance.num_routes)
    low, high = throughput_range(instance, derivation.delivery, rows)
    guessed = (derivation.delivery.flags & flag.ESTIMATED) > 0
    assert (low[~guessed] == 1).all()
    assert (high[~guessed] == 1).all()
    assert (low[guessed] < 1).all()
    assert (high[guessed] > 1).all()


def test_an_instance_without_any_route(folder: Folder) -> None:
    folder.file("exclusions.csv", "exclusion,region\nnone,us\nneither,eu\n")
    instance, derivation = derived(folder)
    assert instance.num_routes == 0
    assert len(derivation.refusals.workload) == 24
