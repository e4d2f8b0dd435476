"""From trace files to a folder, in one call."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from optimizer.errors import UsageError
from optimizer.instance.new_folder import check_free
from optimizer.instance.read import read
from optimizer.progress import Progress
from optimizer.serving.traces.borrowed import borrowed
from optimizer.serving.traces.imported import Imported
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.settings import TraceSettings
from optimizer.serving.traces.write_folder import write_folder

__all__ = ["import_trace"]


def import_trace(
    traces: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    settings: TraceSettings | None = None,
    *,
    pools_from: str | os.PathLike[str] | None = None,
    like: str = "",
    progress: Progress | None = None,
) -> Imported:
    """Turn request traces into workloads and demand, and write them into a new folder.

    Parameters
    ----------
    traces : the files; docs/traces.md says what each format becomes.
    folder : must not exist, or be empty.
    settings : what the traces do not say themselves.
    pools_from : instance folder that lends all other tables, so that the folder is complete.
    like : workload of that instance whose routes, regions and promises all new ones get;
        empty: the one with the same model, traffic class and region.

    Raises
    ------
    InputError
        When too many lines are bad, nothing is left, or the instance would break a rule.
    OutputError
        When a file cannot be read or the folder not be written; nothing is left behind.
    UsageError
        When the settings do not fit the files.

    Examples
    --------
    >>> optimizer.import_trace("trace.csv", "week", TraceSettings(period_hours=1))
    """
    settings = settings or TraceSettings()
    paths = [traces] if isinstance(traces, (str, os.PathLike)) else list(traces)
    if like and pools_from is None:
        raise UsageError("like: names a workload of the instance given by pools_from")
    check_free(folder)
    source = None if pools_from is None else read(pools_from)
    imported = read_traces(paths, settings, progress)
    instance = None
    if source is not None:
        name = Path(os.path.realpath(folder)).name
        instance, notes = borrowed(imported, settings, source, like, name)
        imported = dataclasses.replace(
            imported, workloads=instance.workloads, notes=(*imported.notes, *notes)
        )
    if progress is not None:
        progress.stage("writing")
    write_folder(imported, instance, folder)
    return imported
