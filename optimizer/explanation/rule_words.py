"""Rules and their changes in the words and units of whoever made the instance."""

from __future__ import annotations

from optimizer.explanation.change import WHOLE, Change
from optimizer.explanation.rules import Rule, limit_of
from optimizer.explanation.spans import spans_of, spans_text
from optimizer.instance.instance import Instance


def figure(value: float) -> str:
    """A number with separators, and no more digits than anyone reads."""
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:,.6g}"


def rule_name(instance: Instance, rule: Rule) -> str:
    """The rule by its name, short."""
    names = {
        "share_max": instance.shares.share,
        "share_min": instance.shares.share,
        "outage": instance.outages.outage,
        "power": instance.power.limit,
        "capacity": instance.pools.pool,
    }
    if rule.family == "budget":
        return "budget"
    if rule.family == "min_replicas":
        return f"min_replicas of model {instance.models.model[rule.row]}"
    if rule.family == "max_changes":
        table = instance.replicas
        pair = f"model {table.model[rule.row]} on chip {table.chip[rule.row]}"
        return f"max_changes_per_period of {pair}"
    name = names[rule.family][rule.row]
    kind = {"outage": "outage", "power": "power limit", "capacity": "chips of pool"}
    return f"{kind.get(rule.family, 'share')} {name}"


def rule_words(instance: Instance, rule: Rule) -> str:
    """The rule with what it asks for."""
    name, limit = rule_name(instance, rule), figure(limit_of(instance, rule))
    if rule.family.startswith("share_"):
        shares, row = instance.shares, rule.row
        side = rule.family.removeprefix("share_")
        each = " in each period" if shares.per[row] == "period" else ""
        group = f"{shares.attribute[row]} {shares.value[row]}"
        return f"{name} ({side} {limit} of {shares.measure[row]} in {group}{each})"
    if rule.family == "budget":
        return f"budget {limit} USD"
    if rule.family == "capacity":
        chips = instance.capacity_chips[rule.row]
        low = figure(float(chips.min()))
        return f"{name} ({limit if low == limit else f'{low} to {limit}'})"
    if rule.family == "outage":
        table = instance.outages
        group = f"{table.attribute[rule.row]} {table.value[rule.row]}"
        return f"{name} ({limit} served without {group})"
    if rule.family == "power":
        table_ = instance.power
        group = f"{table_.attribute[rule.row]} {table_.value[rule.row]}"
        return f"{name} ({limit} MW in {group})"
    return f"{name} ({limit})"


def change_words(instance: Instance, change: Change) -> str:
    """What the rule would have to be, and by how much it moves."""
    rule, name = change.rule, rule_name(instance, change.rule)
    if change.chips is not None:
        when = spans_text(spans_of(change.chips > 0))
        needed = change.chips[change.chips > 0]
        said = f"{figure(change.after)} more chips in {when}"
        if float(needed.max() - needed.min()) <= 1e-6 * needed.max():
            return f"{name}: {said}"
        hours = float(needed.sum()) * instance.period_hours
        return f"{name}: up to {said}, {figure(hours)} chip-hours in all"
    unit = {"budget": " USD", "power": " MW"}.get(rule.family, "")
    after = round(change.after) if rule.family in WHOLE else change.after
    moved = after - change.before
    sign = "+" if moved >= 0 else "-"
    if rule.family.startswith("share_"):
        name = f"{name} {rule.family.removeprefix('share_')}"
    return f"{name} {figure(after)}{unit} ({sign}{figure(abs(moved))})"
