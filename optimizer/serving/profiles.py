"""Ways to run a model on a chip, each with the lengths of some workload: times, batch, flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.fleet_tables import BASES
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.serving_rules import TIMES
from optimizer.serving import flags as flag
from optimizer.serving.efficiency import Level, at, efficiency
from optimizer.serving.queue import Stations
from optimizer.serving.roofline import BYTES_PER_PARAMETER, MAX_BATCH, Line, Roof, Task, line, roof

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ways:
    """(n,) pairs of a profile and a workload whose model it runs.

    Attributes
    ----------
    profile, workload : rows of the tables.
    columns : times, batch and lengths by name, as the queue takes them; NaN where a profile has
        measured rates and nothing else.
    estimated : some of the times come from the roofline.
    fits : memory holds the weights and one request, as far as that is known.
    flags : bits of :mod:`optimizer.serving.flags`.
    basis : position in ``BASES`` of the weakest number that the times rest on.
    """

    profile: Int
    workload: Int
    columns: dict[str, Float]
    estimated: Bool
    fits: Bool
    flags: NDArray[np.int64]
    basis: Int

    def stations(self, rows: Int) -> Stations:
        """Some of the pairs, whose times are known, as replicas under their streams."""
        return Stations(**{name: values[rows] for name, values in self.columns.items()})


def ways(instance: Instance, profile: Int, workload: Int, level: Level = "centre") -> Ways:
    """Put profiles and workloads together.

    A decode step that is estimated bounds the batch as well: no larger one than keeps the step
    within the promised time per token, as whoever runs the engine would set it.

    Parameters
    ----------
    profile, workload : (n,) rows; the lengths of the workloads are known.
    level : efficiencies that estimates take.
    """
    table, people = instance.profiles, instance.workloads
    model = rows_of(table.model, instance.models.model)[profile]
    chip = rows_of(table.chip, instance.chips.chip)[profile]
    found = roof(_task(instance, profile, workload, model, chip))
    reached = efficiency(instance, profile, model, chip, level)
    given = {name: getattr(table, name)[profile] for name in TIMES}
    missing = {name: np.isnan(values) for name, values in given.items()}
    decode = missing["decode_base_ms"] | missing["decode_per_seq_ms"]
    batch, by_memory = _batch(table.max_batch[profile], instance, profile, workload, found)
    promise = people.tpot_ms[workload] * reached.decode
    bounded = decode & ~np.isnan(promise)
    batch = np.where(bounded, np.fmin(batch, found.batch_within(promise)), batch)
    guess = line(found, batch, reached.decode, reached.prefill)
    return Ways(
        profile=profile,
        workload=workload,
        columns=_columns(instance, profile, workload, batch, given, missing, guess),
        estimated=np.logical_or.reduce(list(missing.values())),
        fits=~(found.batch < 1),
        flags=_flags(instance, profile, workload, chip, missing, by_memory),
        basis=_basis(instance, profile, model, chip, missing),
    )


def _task(instance: Instance, profile: Int, workload: Int, model: Int, chip: Int) -> Task:
    """Facts for the roofline, NaN where there are none."""
    table, people = instance.profiles, instance.workloads
    models, chips = instance.models, instance.chips
    total = at(models.parameters_billion, model) * 1e9
    active = at(models.active_parameters_billion, model) * 1e9
    inputs, outputs = people.input_tokens[workload], people.output_tokens[workload]
    cached, spread = people.cached_input_fraction[workload], people.output_tokens_cv[workload]
    rates = np.array([getattr(chips, f"{name}_tflops") for name in BYTES_PER_PARAMETER])
    kinds = [list(BYTES_PER_PARAMETER).index(name) for name in table.precision.names]
    precision = np.array(kinds, np.int64)[table.precision.codes][profile]
    rate = np.full(len(profile), np.nan)
    known = chip >= 0
    rate[known] = rates[precision[known], chip[known]]
    return Task(
        parameters=total,
        active_parameters=np.where(np.isnan(active), total, active),
        replicated_parameters=at(models.replicated_parameters_billion, model) * 1e9,
        bytes_per_parameter=np.array(list(BYTES_PER_PARAMETER.values()))[precision],
        kv_bytes_per_token=at(models.kv_bytes_per_token, model),
        attention_flops_decode=at(models.attention_flops_decode, model),
        attention_flops_prefill=at(models.attention_flops_prefill, model),
        memory_bytes=at(chips.memory_gb, chip) * 1e9,
        bytes_per_second=at(chips.memory_tb_per_second, chip) * 1e12,
        flops_per_second=rate * 1e12,
        attention_flops_per_second=at(chips.bf16_tflops, chip) * 1e12,
        chips=table.chips_per_replica[profile],
        # Long answers are found running more often than short ones: the mean over requests that
        # run is (1 + cv^2) / 2 of the mean answer (renewal theory), half where all are alike.
        context_tokens=inputs + outputs * (1 + spread**2) / 2,
        input_tokens=inputs * (1 - cached),
        prefill_context_tokens=inputs * (1 + cached) / 2,
    )


def _batch(
    given: Float, instance: Instance, profile: Int, workload: Int, found: Roof
) -> tuple[Float, Bool]:
    """(n,) requests that run at a time, and where memory rather than the profile says so."""
    length = instance.profiles.max_batch_at_tokens[profile]
    outputs = np.maximum(instance.workloads.output_tokens[workload], 1.0)
    part = np.fmin(np.where(np.isnan(length), 1.0, length / outputs), 1.0)
    allowed = np.maximum(np.floor(given * part * (1 + 1e-12)), 1.0)
    cut = ~np.isnan(allowed) & (found.batch < allowed)
    return np.clip(np.fmin(allowed, found.batch), 1.0, MAX_BATCH), cut


def _columns(
    instance: Instance,
    profile: Int,
    workload: Int,
    batch: Float,
    given: dict[str, Float],
    missing: dict[str, Bool],
    guess: Line,
) -> dict[str, Float]:
    table, people = instance.profiles, instance.workloads
    times = {name: np.where(missing[name], getattr(guess, name), given[name]) for name in TIMES}
    cached = people.cached_input_fraction[workload]
    waiting = table.max_queue[profile]
    return {
        **times,
        "max_batch": batch,
        "input_tokens": people.input_tokens[workload] * (1 - cached),
        "output_tokens": np.maximum(people.output_tokens[workload], 1.0),
        "input_cv": people.input_tokens_cv[workload],
        "output_cv": people.output_tokens_cv[workload],
        "burstiness": people.burstiness[workload],
        "max_queue": np.where(np.isnan(waiting), np.inf, waiting),
        "together": table.batching.equal("together")[profile].astype(np.float64),
    }


def _flags(
    instance: Instance,
    profile: Int,
    workload: Int,
    chip: Int,
    missing: dict[str, Bool],
    by_memory: Bool,
) -> NDArray[np.int64]:
    table, people = instance.profiles, instance.workloads
    inputs, outputs = people.input_tokens[workload], people.output_tokens[workload]
    beyond = (inputs < table.input_tokens_low[profile]) | (
        inputs > table.input_tokens_high[profile]
    )
    beyond |= (outputs < table.output_tokens_low[profile]) | (
        outputs > table.output_tokens_high[profile]
    )
    wide = table.chips_per_replica[profile] > at(instance.chips.chips_per_domain, chip)
    found = np.zeros(len(profile), np.int64)
    for bit, where in (
        (flag.ESTIMATED, np.logical_or.reduce(list(missing.values()))),
        (flag.BEYOND_RANGE, beyond),
        (flag.MEMORY_LIMITED, by_memory),
        (flag.BEYOND_DOMAIN, wide),
    ):
        found |= np.where(where, bit, 0)
    return found


def _basis(
    instance: Instance, profile: Int, model: Int, chip: Int, missing: dict[str, Bool]
) -> Int:
    """Weakest of what the times rest on; an estimate rests on chips and models as well.

    Where every time is estimated and no efficiency is given, the profile says nothing that could
    be weak.
    """
    table = instance.profiles
    own = basis_codes(table.basis)[profile]
    some = np.logical_or.reduce(list(missing.values()))
    silent = np.logical_and.reduce(list(missing.values()))
    silent &= np.isnan(table.decode_efficiency[profile])
    silent &= np.isnan(table.prefill_efficiency[profile])
    facts = np.full(len(profile), BASES.index("estimate"))
    for labels, rows in ((instance.models.basis, model), (instance.chips.basis, chip)):
        codes = basis_codes(labels)
        if len(codes):
            facts = np.maximum(facts, np.where(rows >= 0, codes[rows], 0))
    return np.where(some, np.where(silent, facts, np.maximum(facts, own)), own).astype(np.int64)


def basis_codes(labels: Labels) -> Int:
    """Position of each label in ``BASES``, where a later one is weaker."""
    places = np.array([BASES.index(name) for name in labels.names], np.int64)
    return places[labels.codes] if len(places) else np.zeros(0, np.int64)


def rows_of(labels: Labels, names: tuple[str, ...]) -> Int:
    """(n,) position of each label among some names, -1 where it is none of them."""
    place = {name: row for row, name in enumerate(names)}
    found = np.array([place.get(name, -1) for name in labels.names], np.int64)
    return found[labels.codes] if len(found) else np.zeros(0, np.int64)
