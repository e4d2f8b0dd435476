"""``optimizer show``: what an instance or a plan folder holds."""

from __future__ import annotations

from pathlib import Path

import click

from optimizer.cli.options import json_option
from optimizer.cli.output import emit


@click.command("show", short_help="Show what an instance or a plan folder holds.")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def command(folder: Path, as_json: bool) -> int:
    """Show FOLDER: an instance (sizes, demand, pools, rules) or a plan folder (its summary)."""
    import json

    from optimizer.reports import overview
    from optimizer.reports.as_json import dumps

    if (folder / "plan.json").is_file():
        head = overview.read_head(folder)
        emit(json.dumps(head, ensure_ascii=False) if as_json else overview.plan_text(head))
        return 0
    from optimizer.serving.reading import read

    instance = read(folder)
    if as_json:
        emit(dumps({"schema": 1, **overview.instance_facts(instance)}))
    else:
        emit(overview.instance_text(instance))
    return 0
