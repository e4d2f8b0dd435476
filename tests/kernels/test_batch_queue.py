"""The kernels of the queue against slow twins: arrays over all levels, sums and tails written out.

The twin solves the length of an iteration to the end, where the kernel takes one Newton step per
level, and adds up the queue term by term, where the kernel has closed sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import gamma, lognorm, norm

from optimizer.kernels.batch_climb import FAMILY_PLACES
from optimizer.kernels.batch_full import HEAVY
from optimizer.kernels.batch_iteration import FOLLOWS
from optimizer.kernels.batch_levels import SHARED, SPILL
from optimizer.serving.queue import Stations, attainment, predict
from tests.serving.draws import stations

Float = NDArray[np.float64]
Kind = tuple[float, float, float]
"""Part of the arrivals, mean and second moment of what they wait for."""
QUEUE = 20_000
"""Levels above the full batch that the twin adds up."""


class Twin:
    """One station at one rate: parts of the arrivals, and what they wait for."""

    def __init__(self, s: Stations, k: int, per_second: float) -> None:
        self.most = m = int(s.max_batch[k])
        self.base, self.a = s.prefill_base_ms[k], s.prefill_per_token_ms[k] * s.input_tokens[k]
        self.steps, rate = s.output_tokens[k] - 1, per_second / 1e3
        self.input_cv, self.output_cv = s.input_cv[k], s.output_cv[k]
        bursts = s.burstiness[k]
        a, base, steps = self.a, self.base, self.steps
        self.square = a**2 * (1 + self.input_cv**2)
        spread = (a * self.input_cv) ** 2
        r = rate * a
        # Iterations at each level below the full batch.
        j = np.arange(m + 1)
        d = s.decode_base_ms[k] + s.decode_per_seq_ms[k] * j
        self.d = d
        length, variance, none = (d + base) / (1 - r), np.zeros(m + 1), np.ones(m + 1)
        for _ in range(3000):
            shape = np.maximum(variance / length**2, 1e-12)
            none = (1 + rate * length * shape) ** (-1 / shape)
            length = 0.5 * (length + (d + base * (1 - none)) / (1 - r))
            turn = np.minimum(r + np.minimum(base * rate * none, FOLLOWS * (1 - r)), 0.98)
            noise = rate * length * self.square + base**2 * none * (1 - none)
            noise += 2 * base * none * a * rate * length
            variance = noise / (1 - turn**2)
        stop = a + base * (1 - none) / (rate * length)
        stop[0] = a + base
        # Flow up across each level.
        leave = np.append(np.inf, j[1:] / (steps * d[1:]))
        first = rate * 2 / (1 + bursts)
        y, flow, tail = np.zeros(m + 1), np.zeros(m + 1), np.zeros(m + 1)
        y[0], flow[0] = 1.0, first
        for n in range(1, m + 1):
            y[n] = flow[n - 1] / leave[n]
            b = min(rate * stop[n - 1], 0.95)
            mean = (1 + bursts) / 2 / (1 - b)
            index = (b + rate**2 * spread) / (1 - b) ** 2 + bursts / (1 - b)
            plainest = 2 * (mean - 1)  # of geometric families
            index = plainest + (index - 1 - plainest) * max(0.0, 1 - FAMILY_PLACES / m)
            index = max(index, 2 * (1 - 1 / mean))
            g = max(0.0, 1 - 2 * (1 - 1 / mean) / index) if index > 0 else 0.0
            tail[n] = g * tail[n - 1] + (mean - 1) * (1 - g) * first * y[n - 1]
            flow[n] = first * y[n] + tail[n]
        through = stop * flow
        # The full batch and its queue.
        kept = 1 - 1 / steps
        admitted = (m / steps) / (1 - kept**m)
        last_prefill = a + base / admitted
        limit = 1 / (a + (d[m] + base * (1 - kept**m)) * steps / m)
        load = rate / limit
        powers = load ** np.arange(QUEUE)
        standing = y[m] * powers[1:].sum()
        if bursts > 1:
            # What comes is done: completions of all levels by the time of all levels.
            done, spent = flow[:m].sum(), y.sum() + through[:m].sum()
            more = np.array([leave[m], 1 + last_prefill * leave[m]])
            standing = max((rate * spent - done) / (more[0] - rate * more[1]), 0.0)
        behind = last_prefill * leave[m] * standing
        total = y.sum() + through[:m].sum() + standing + behind
        weight = y[1:m] + through[1:m]
        self.running = float(j[1:m] @ weight + m * (y[m] + standing))
        self.running = (self.running + (m - admitted) * behind) / total
        self.tpot = self.running / (rate * steps)
        # Tokens by the level at which they are made.
        made = np.append(j[1:m] * y[1:m], m * (y[m] + standing)) / d[1:]
        time = np.append(j[1:m] * weight, m * (y[m] + standing) + (m - admitted) * behind)
        self.step = time.sum() / made.sum()
        self.step_variance = max(float((time**2 / made).sum() / made.sum()) - self.step**2, 0.0)
        slope = (made @ j[1:]) / made.sum() * s.decode_per_seq_ms[k] / ((1 - r) * self.step)
        self.relax = steps * self.step / max(1 - slope, 0.05)
        # Kinds of arrivals: part, mean of what they wait for, its second moment.
        blocked = y[m] + through[m - 1] + standing + behind
        kinds: list[Kind] = []
        opening = base + a + d[1] if m > 1 else 0.0
        if m > 1:
            third = opening**3 + 3 * opening * spread + (2 * spread**2 / a if a > 0 else 0)
            kinds.append(self.rest(first * opening, opening, opening**2 + spread, third, rate))
        plain: list[Kind] = []
        for n in range(1, m):
            w = y[n] + through[n]
            w = max(w - first * d[1], 0.0) if n == 1 else w
            w = max(w - through[n], 0.0) if n == m - 1 else w
            alone = w * min(none[n] * d[n] / length[n], 1.0)
            plain.append(self.rest(alone, d[n], d[n] ** 2, d[n] ** 3, rate))
            some = 1 - none[n]
            mean = max((length[n] - none[n] * d[n]) / some, d[n])
            second = (length[n] ** 2 + variance[n] - none[n] * d[n] ** 2) / some
            spare = max(second - mean**2, 0.0)
            third = mean**3 + 3 * mean * spare
            third += 2 * spare**2 / (mean - d[n]) if mean > d[n] * (1 + 1e-9) else 0.0
            kinds.append(self.rest(w - alone, mean, spare + mean**2, third, rate))
        variation = (d[m] * steps / m * self.output_cv * limit) ** 2
        constant = 0.5 * (1 + (1 - load) * (m - 1) * (math.sqrt(4 + 5 * m) - 2) / (16 * load * m))
        constant = min(constant, m / (m + 1))
        factor = (1 + variation) / (2 * variation + (1 - variation) / constant)
        factor *= 1 - HEAVY * (1 - load) * (1 - 1 / m) * min(max(variation - 1, 0), 1.5)
        factor += spread * limit**2 / 2
        factor *= 1 - SHARED * min(r, 0.25) * min(self.output_cv, 1.5) * (1 - 1 / m)
        factor += (bursts - 1) / 2
        variation += spread * limit**2
        share = blocked / total
        theta = 2 * norm.cdf(-math.sqrt(math.log1p(self.output_cv**2) / 2))
        grown = (r + rate**2 * spread) / (1 - r) ** 2 + 1 / (1 - r) - 1
        spill = SPILL * theta * grown * (1 - r) ** 1.5 * min((m - 1) / 8, 1) * (1 - share) ** 3
        here = sum(part for part, _, _ in kinds + plain)
        moved = min(share * spill / factor, 0.5 * (1 - share)) * total if here > 0 else 0.0
        moved = min(moved, here)
        wait = factor / (limit - rate)
        others = (1 - math.exp(-self.output_cv * steps)) * (m - 1) / steps
        vary = (1 - load) * (1 + (4 * variation - 2) / (m + 2)) + load
        mean = wait + others * a
        full = (blocked + moved, mean, mean**2 + vary * wait**2 + others * self.square)
        cut = 1 - moved / here if here > 0 else 1.0
        left = [(p * cut, one, two) for p, one, two in (merged(plain), merged(kinds))]
        idle = y[0]
        if bursts > 1:
            idle, left, full = self.burst(
                y[0], left, full, bursts, rate, opening if m > 1 else base + a
            )
        self.kinds = [(idle, 0.0, 0.0), *left, full]
        whole = sum(part for part, _, _ in self.kinds)
        self.kinds = [(part / whole, one, two) for part, one, two in self.kinds]
        self.wait = self.kinds[3][0] * wait
        self.ttft = base + a + sum(part * one for part, one, _ in self.kinds)
        # Prefills between tokens.
        free_part = 1 - made[-1] / made.sum()
        jump = self.square + 2 * a * base + base**2
        follow = 1 + (1 / (1 - r) - 1) * max(0.0, 1 - FAMILY_PLACES / m)
        swell = 1 + (1 / (1 - turn) - 1) * max(0.0, 1 - FAMILY_PLACES / m)
        between = j[1:m] * weight * (noise / length * swell**2)[1:m] * (1 - j[1:m] / m)
        leaving, empty = m / steps, kept**m
        last = leaving * self.square * (1 - 1 / m) + base**2 * empty * (1 - empty)
        last = (last + 2 * base * empty * a * leaving) * limit / leaving
        self.jitter = (between.sum() + time[-1] * last) / time.sum()
        own = base + a + self.kinds[2][0] * self.kinds[2][1] * r / (0.5 + r)
        self.extra = free_part * r * follow * own
        self.extra_variance = free_part * follow**2 * (rate * jump * own + r**2 * spread)

    def burst(
        self,
        idle: float,
        left: list[Kind],
        full: Kind,
        bursts: float,
        rate: float,
        opening: float,
    ) -> tuple[float, list[Kind], Kind]:
        """Those who come with others: by the renewal function of gamma gaps."""

        def company(span: float) -> float:
            expected = (span / 2 * rate / bursts) ** (1 / bursts) / math.gamma(1 + 1 / bursts)
            return 2 * max(min(expected - span / 2 * rate, (bursts - 1) / 2), 0.0)

        plain, mixed = left
        near = company(opening)
        after = idle * near / (1 + near)
        time = opening + near * self.a / 2
        if self.most > 1:
            whole = mixed[0] + after
            one = (mixed[0] * mixed[1] + after * time) / whole
            two = (mixed[0] * mixed[2] + after * time**2 * 1.25) / whole
            mixed = (whole, one, two)
        else:
            full = (full[0] + after, full[1], full[2])
        near = company(self.step)
        plain = self.with_more(plain, near)
        if mixed[0] > 0:
            mixed = self.with_more(mixed, 1.5 * company(mixed[1] / (0.5 + rate * self.a)))
        return idle - after, [plain, mixed], full

    def with_more(self, kind: Kind, count: float) -> Kind:
        """A geometric number of other prefills beside."""
        part, one, two = kind
        more = count * self.a
        return part, one + more, two + 2 * more * one + count * (1 + count) * self.square

    def rest(self, part: float, length: float, second: float, third: float, rate: float) -> Kind:
        """Moments of U L + prefills of who comes in L, L length-biased."""
        r = rate * self.a
        one, two = second / length, third / length
        return part, (0.5 + r) * one, (1 / 3 + r + r * r) * two + rate * self.square * one

    def late(self, time: float) -> float:
        """P(TTFT > time)."""
        answer = 0.0
        spread = (self.a * self.input_cv) ** 2
        for part, one, two in self.kinds:
            mean, variance = self.a + one, max(two - one**2, 0.0) + spread
            late = tail(mean, variance, spread, one, time - self.base)
            flat = 0.0
            if one > 0 and variance > 0:
                # Rests of decode steps are uniform: squared variation 1/3.
                flat = np.clip((0.6 - (two / one**2 - 1)) / 0.25, 0, 1) * (1 - spread / variance)
            reach = math.sqrt(3 * variance)
            if flat > 0:
                level = np.clip((mean + reach - (time - self.base)) / (2 * reach), 0, 1)
                late = flat * level + (1 - flat) * late
            answer += part * late
        return answer

    def slow(self, time: float) -> float:
        """P(TPOT > time)."""
        spread = math.log1p(self.output_cv**2)
        points = ndtri((np.arange(8) + 0.5) / 8) if spread > 0 else np.zeros(1)
        answer = 0.0
        for z in points:
            length = (self.steps + 1) * math.exp(math.sqrt(spread) * z - spread / 2) - 1
            length = max(length, 1.0)
            whole = length * max(self.step - self.extra / self.steps, self.d[1])
            aged = whole / self.relax
            kept = 2 * (aged - 1 + math.exp(-aged)) / aged**2 if aged > 1e-4 else 1.0
            variance = self.step_variance * length**2 * kept + self.jitter * whole
            floor = 0.999 * self.d[1] * length
            mean = max(whole + self.extra - floor, 1e-9 * floor)
            late = tail(mean, variance + self.extra_variance, 0.0, 0.0, time * length - floor)
            answer += late / len(points)
        return answer


def merged(kinds: list[Kind]) -> Kind:
    """Several kinds as one."""
    whole = sum(part for part, _, _ in kinds)
    if whole <= 0:
        return 0.0, 0.0, 0.0
    one = sum(part * mean for part, mean, _ in kinds) / whole
    return whole, one, sum(part * square for part, _, square in kinds) / whole


def tail(mean: float, variance: float, spread: float, shift: float, x: float) -> float:
    """P(X > x), mixed of a shifted lognormal and a gamma tail."""
    if variance <= 1e-12 * mean**2:
        return float(x < mean)
    share = spread / variance
    fat, own = 0.0, mean - shift
    if share > 0:
        width = math.sqrt(math.log1p(variance / own**2))
        fat = lognorm.sf(x - shift, width, scale=own / math.exp(width**2 / 2))
    return float(share * fat + (1 - share) * gamma.sf(x, mean**2 / variance, scale=variance / mean))


def drawn(seed: int) -> tuple[Stations, Float]:
    s = stations(seed, 6)
    rate = s.saturation * np.random.default_rng(seed).uniform(0.05, 0.9, len(s))
    return s, rate


@pytest.mark.parametrize("seed", range(6))
def test_means(seed: int) -> None:
    s, rate = drawn(seed)
    seen = predict(s, rate, np.nan)
    for k in range(len(s)):
        twin = Twin(s, k, rate[k])
        assert seen.tpot_ms[k] == pytest.approx(twin.tpot, rel=2e-3)
        assert seen.running[k] == pytest.approx(twin.running, rel=2e-3)
        assert seen.wait_ms[k] == pytest.approx(twin.wait, rel=1e-2, abs=1e-3)
        assert seen.ttft_ms[k] == pytest.approx(twin.ttft, rel=5e-3)


@pytest.mark.parametrize("seed", range(6, 9))
def test_percentiles_and_parts(seed: int) -> None:
    s, rate = drawn(seed)
    seen = predict(s, rate, 90.0)
    for k in range(len(s)):
        twin = Twin(s, k, rate[k])
        check_part(twin.late, seen.ttft_percentile_ms[k], 0.1)
        check_part(twin.slow, seen.tpot_percentile_ms[k], 0.1)
        for times in (0.5, 1.0, 2.0):
            ttft, tpot = times * seen.ttft_ms[k], times**0.2 * seen.tpot_ms[k]
            late = 1 - attainment(s, rate, ttft, np.nan)[k]
            assert late == pytest.approx(twin.late(ttft), abs=6e-3)
            slow = 1 - attainment(s, rate, np.nan, tpot)[k]
            assert slow == pytest.approx(twin.slow(tpot), abs=6e-3)


def check_part(part: Callable[[float], float], time: float, allowed: float) -> None:
    """No more than allowed are over the time, and a little earlier no fewer."""
    assert part(time * 1.01) <= allowed + 2e-3
    assert part(time * 0.99) >= allowed - 2e-3
