"""``optimizer convert``: inputs of other planners as instance folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.options import Number, json_option
from optimizer.cli.output import emit

if TYPE_CHECKING:
    from optimizer.instance.instance import Instance

out_option = click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="New folder for the instance."
)
whole_option = click.option(
    "--whole-replicas", is_flag=True, help="Replicas are whole; else any part of one may be used."
)


class Load(click.ParamType[tuple[float, float, float]]):
    """``INPUT:OUTPUT:RATE``: lengths of requests in tokens, and requests per second."""

    name = "input:output:rate"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        """Split at the colons."""
        parts = str(value).split(":")
        if len(parts) != 3:
            self.fail(f"expected INPUT:OUTPUT:RATE, got {value!r}", param, ctx)
        inputs, outputs, rate = (Number(0.0, 1e9).convert(part, param, ctx) for part in parts)
        return inputs, outputs, rate


@click.group("convert", short_help="Turn inputs of other planners into instances.")
def command() -> None:
    """Turn inputs of other planners into instance folders of one period of an hour.

    What the files say of chips becomes profiles or measured rates; routes are derived from them
    when the folder is read.
    """


@command.command("inferno")
@click.argument("folder", type=click.Path(path_type=Path))
@out_option
@whole_option
@click.option("--mixed", is_flag=True, help="A server may run on several accelerators.")
@json_option
def inferno(folder: Path, out: Path, whole_replicas: bool, mixed: bool, as_json: bool) -> int:
    """Convert FOLDER of llm-inferno/optimizer: accelerator-data.json, capacity-data.json, ...

    Every server is a workload on one accelerator, with replicas of its own.
    """
    from optimizer.serving.convert.inferno import read_inferno

    name = out.resolve().name
    made = read_inferno(folder, whole_replicas=whole_replicas, mixed=mixed, name=name)
    return _write(made, out, as_json=as_json)


@command.command("aibrix")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@out_option
@whole_option
@click.option(
    "--load",
    "loads",
    type=Load(),
    multiple=True,
    metavar="INPUT:OUTPUT:RATE",
    help="A workload: tokens of input and output, requests per second. May be given several "
    "times; without it, one request per second of every length measured.",
)
@click.option(
    "--chips", type=Number(0.0), default=1000.0, show_default=True, help="GPUs of each kind."
)
@click.option("--model", default="model", show_default=True, help="What the model is called.")
@json_option
def aibrix(
    files: tuple[Path, ...],
    out: Path,
    whole_replicas: bool,
    loads: tuple[tuple[float, float, float], ...],
    chips: float,
    model: str,
    as_json: bool,
) -> int:
    """Convert FILES, AIBrix profiles of one model, each of one kind of GPU."""
    from optimizer.serving.convert.aibrix import read_aibrix

    made = read_aibrix(
        files,
        loads=loads,
        chips=chips,
        model=model,
        whole_replicas=whole_replicas,
        name=out.resolve().name,
    )
    return _write(made, out, as_json=as_json)


def _write(made: Instance, out: Path, *, as_json: bool) -> int:
    """Write the instance and say what it holds."""
    from optimizer.instance.write import write
    from optimizer.reports.as_json import dumps
    from optimizer.reports.overview import instance_facts

    write(made, out)
    if as_json:
        emit(dumps({"schema": 1, "folder": str(out), **instance_facts(made)}))
    else:
        emit(
            f"{out}: {made.num_workloads:,} workloads, {made.num_pools:,} pools, "
            f"{len(made.profiles.model):,} profiles, {len(made.throughputs.model):,} measured rates"
        )
    return 0
