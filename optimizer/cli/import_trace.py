"""``optimizer import-trace``: request traces become workloads and demand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.options import Number, json_option, quiet_option
from optimizer.cli.output import emit

if TYPE_CHECKING:
    from optimizer.serving.traces.imported import Imported

SHOWN = 12
"""Workloads and bad lines shown on a terminal; --json has all workloads."""


class Edges(click.ParamType[tuple[int, ...]]):
    """``1024,4096``: tokens at which a new bucket begins, or ``none``."""

    name = "edges"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Parse and check."""
        if value == "none":
            return ()
        try:
            edges = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"expected numbers such as 1024,4096 or none, got {value!r}", param, ctx)
        if not all(a < b for a, b in zip((0, *edges), edges, strict=False)):
            self.fail(f"expected rising numbers > 0, got {value!r}", param, ctx)
        return edges


class Columns(click.ParamType[dict[str, str]]):
    """``time=when,input=prompt``: which column of a CSV file holds what."""

    name = "columns"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """Parse; what may be named is checked with the other settings."""
        found = {}
        for part in str(value).split(","):
            what, sign, column = part.partition("=")
            if not sign or not what.strip() or not column.strip() or what.strip() in found:
                self.fail(f"expected time=NAME,input=NAME,output=NAME, got {value!r}", param, ctx)
            found[what.strip()] = column.strip()
        return found


class Moment(click.ParamType[datetime]):
    """A date and time with a zone."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Parse and check."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            expected = "a date and time with a zone, such as 2026-05-04T00:00:00Z"
            self.fail(f"expected {expected}, got {value!r}", param, ctx)
        return moment


@click.command("import-trace", short_help="Turn request traces into workloads and demand.")
@click.argument("traces", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TRACE")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--format",
    "format_",
    default="",
    help="azure, mooncake, servegen, burstgpt, hourly or csv; recognised when not given.",
)
@click.option(
    "--columns",
    type=Columns(),
    help="Format csv: time=NAME,input=NAME,output=NAME and, where there are such columns, "
    "cached, workload, model, traffic_class, region.",
)
@click.option(
    "--time-unit",
    type=click.Choice(["iso", "h", "min", "s", "ms", "us", "ns"]),
    help="Unit of the times; that of the format when not given.",
)
@click.option("--time-zone", default="UTC", show_default=True, help="Zone of times without one.")
@click.option("--start", type=Moment(), help="Time 0 of a trace that counts from its beginning.")
@click.option("--period-hours", type=Number(0.0), default=1.0, show_default=True)
@click.option(
    "--input-buckets",
    type=Edges(),
    help="Input tokens at which a new bucket begins, or none.  [default: 1024,4096,16384]",
)
@click.option("--output-buckets", type=Edges(), help="The same for output tokens.  [default: 256]")
@click.option(
    "--name", "names", multiple=True, help="Name of the workloads.  [default: the file's]"
)
@click.option("--model", "models", multiple=True, help="Model, where the trace has none.")
@click.option("--region", "regions", multiple=True, help="Region the requests come from.")
@click.option("--traffic-class", "traffic_classes", multiple=True, help="Kind of traffic.")
@click.option("--ttft-ms", type=Number(0.0), help="Promised time to first token.")
@click.option("--tpot-ms", type=Number(0.0), help="Promised time per output token.")
@click.option(
    "--unserved-usd-per-mtok",
    type=Number(0.0, 1e9),
    help="Penalty for each Mtok that is not served.  [default: that of the pattern, else 10]",
)
@click.option(
    "--scale", type=Number(0.0), default=1.0, show_default=True, help="Factor on the demand."
)
@click.option(
    "--repeat",
    "repeat_hours",
    type=Number(0.0),
    metavar="HOURS",
    help="Hours to fill with the trace, again and again.  [default: as long as it is]",
)
@click.option("--input-tokens", type=Number(0.0), help="Length, for traces of counts only.")
@click.option("--output-tokens", type=Number(0.0), help="Length, for traces of counts only.")
@click.option(
    "--without-lengths",
    type=click.Choice(["fill", "leave_out"]),
    default="fill",
    show_default=True,
    help="Clients without lengths get the mean of their model, or are left out.",
)
@click.option(
    "--span-seconds",
    type=Number(0.0),
    default=60.0,
    show_default=True,
    help="Spans in which requests are counted for the burstiness.",
)
@click.option(
    "--late-seconds",
    type=Number(0.0),
    default=3600.0,
    show_default=True,
    help="A line that lies farther before an earlier one in time is bad.",
)
@click.option(
    "--cached-blocks",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Blocks that the prompt cache of mooncake traces holds.",
)
@click.option(
    "--max-bad-share",
    type=Number(0.0, 1.0),
    default=0.01,
    show_default=True,
    help="Part of the lines that may be bad.",
)
@click.option(
    "--pools-from",
    type=click.Path(path_type=Path),
    metavar="INSTANCE",
    help="Take pools, capacity, routes and all other tables from this instance.",
)
@click.option("--like", default="", help="Workload of that instance to take routes from.")
@json_option
@quiet_option
def command(
    traces: tuple[Path, ...],
    out: Path,
    format_: str,
    columns: dict[str, str] | None,
    time_unit: str | None,
    pools_from: Path | None,
    like: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Read request traces and write their workloads and demand into a new folder.

    Several TRACE files are read one after the other; --name, --model, --region and
    --traffic-class may be given once for all of them or once for each.
    """
    from optimizer.cli.progress_lines import progress_for
    from optimizer.reports.as_json import dumps
    from optimizer.serving.traces.import_trace import import_trace
    from optimizer.serving.traces.settings import TraceSettings

    buckets = {
        "input_edges": given.pop("input_buckets"),
        "output_edges": given.pop("output_buckets"),
    }
    settings = TraceSettings(
        format=format_, columns=columns or {}, time_unit=time_unit or "", **buckets, **given
    )
    progress = progress_for(quiet=quiet)
    try:
        imported = import_trace(
            traces, out, settings, pools_from=pools_from, like=like, progress=progress
        )
    finally:
        progress.close()
    if as_json:
        emit(dumps({"schema": 1, "status": "imported", "folder": str(out), **imported.summary()}))
    else:
        emit(_text(imported, out, complete=pools_from is not None))
    return 0


def _text(imported: Imported, out: Path, *, complete: bool) -> str:
    """The summary for people."""
    facts = imported.summary()
    table = imported.workloads
    rows = facts["workloads"]
    copies = "" if imported.copies == 1.0 else f", {imported.copies:.4g} copies"
    width = max(20, *(len(row["workload"]) for row in rows[:SHOWN]))
    lines = [
        f"{out}: {len(table.workload):,} workloads, {facts['periods']:,} periods of "
        f"{imported.period_hours:g} h from {facts['start']} ({imported.clock})",
        f"{facts['requests']:,.0f} requests, {imported.input_tokens:,.0f} input tokens "
        f"({imported.cached_tokens:,.0f} cached), {imported.output_tokens:,.0f} output tokens",
        f"demand {imported.total_mtok:,.6f} Mtok at scale {imported.scale:g}{copies}; "
        f"{imported.bad_lines:,} of {imported.lines:,} lines bad",
        "",
        f"{'workload':<{width}} {'requests':>13} {'Mtok':>13} {'input':>9} {'output':>8} "
        f"{'cv in':>6} {'cv out':>6} {'cached':>6} {'bursty':>7}",
    ]
    for row in rows[:SHOWN]:
        lines.append(
            f"{row['workload']:<{width}} {row['requests']:>13,.0f} {row['mtok']:>13,.3f} "
            f"{row['input_tokens']:>9,.1f} {row['output_tokens']:>8,.1f} "
            f"{row['input_tokens_cv']:>6.2f} {row['output_tokens_cv']:>6.2f} "
            f"{row['cached_input_fraction']:>6.2f} {row['burstiness']:>7.2f}"
        )
    if len(rows) > SHOWN:
        lines.append(f"... and {len(rows) - SHOWN:,} more")
    lines += [f"note: {note}" for note in imported.notes]
    lines += [f"bad: {problem}" for problem in imported.problems[:SHOWN]]
    if not complete:
        lines.append("pools, capacity and routes are missing: --pools-from takes them over")
    return "\n".join(lines)
