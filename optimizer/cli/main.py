"""The command line: one subcommand per file, loaded when it is called.

Nothing heavy is imported here: ``optimizer --help`` answers in a fraction of a second.
Standard output carries data only; messages and progress go to standard error.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import signal
import sys
from types import FrameType
from typing import Any

import click

from optimizer import __version__
from optimizer.cli.output import PipeClosed
from optimizer.errors import InputError, OptimizerError

COMMANDS = ("solve", "check", "explain", "show", "routes", "convert", "generate", "import-trace")
"""Subcommands, each a module of this folder with a click command named ``command``; a hyphen
in the name is an underscore in the module's."""

INTERRUPTED, TERMINATED, BROKEN_PIPE = 130, 143, 141


class Subcommands(click.Group):
    """A group whose commands are imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the command; an unknown one is answered with the nearest name."""
        if name not in COMMANDS:
            close = difflib.get_close_matches(name, COMMANDS, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {name!r}.{hint} Commands: {', '.join(COMMANDS)}.")
        command: click.Command = importlib.import_module(
            f"optimizer.cli.{name.replace('-', '_')}"
        ).command
        return command


@click.group(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="optimizer")
def main() -> None:
    """Place LLM tokens over Trainium, TPU, Maia and GPU pools at the least proved cost.

    Start with:  optimizer solve instances/frontier-2026-05
    """


def run() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run the command line; gives the exit code (docs/command-line.md)."""
    ended_by = _listen_to_signals()
    code = 0
    try:
        code = int(main.main(arguments, prog_name="optimizer", standalone_mode=False) or 0)
        sys.stdout.flush()
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.ClickException as error:
        code = _fail(arguments, "usage", error.format_message(), 2, error)
    except (KeyboardInterrupt, click.exceptions.Abort):
        code = TERMINATED if ended_by[:1] == [signal.SIGTERM] else INTERRUPTED
        code = _fail(arguments, "interrupted", "interrupted, nothing written", code)
    except (PipeClosed, BrokenPipeError):
        # Whoever read standard output has gone; what is left to say has no reader.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = BROKEN_PIPE
    except OptimizerError as error:
        code = _fail(arguments, _kind(error), str(error), error.exit_code, error)
    except MemoryError:
        code = _fail(arguments, "memory", "out of memory; see --memory-limit", 9)
    except RecursionError as error:
        code = _fail(arguments, "internal", f"internal error: {error}", 1)
    if code == INTERRUPTED and ended_by[:1] == [signal.SIGTERM]:
        return TERMINATED
    return code


def _listen_to_signals() -> list[int]:
    """SIGTERM stops like Ctrl-C; a second one of either ends the process at once."""
    seen: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        workers = sys.modules.get("optimizer.solvers.workers")
        if workers is not None:
            workers.stop_requested.set()
            if len(seen) > 1:
                workers.end_all()
        if len(seen) > 1:
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            signal.signal(number, stop)
        except ValueError:  # not in the main thread: the host decides about signals
            break
    return seen


def _kind(error: OptimizerError) -> str:
    return type(error).__name__.removesuffix("Error").lower()


def _fail(
    arguments: list[str], kind: str, message: str, code: int, error: Exception | None = None
) -> int:
    """Say what went wrong: for people on standard error, for programs on standard output."""
    if isinstance(error, click.UsageError):
        error.show(file=sys.stderr)
    else:
        click.echo(f"error: {message}", err=True)
    if "--json" in arguments:
        found: dict[str, Any] = {
            "schema": 1,
            "status": "error",
            "error": kind,
            "exit_code": code,
            "message": message,
        }
        if isinstance(error, InputError):
            found["problems"] = [vars(problem) for problem in error.problems]
        click.echo(json.dumps(found, ensure_ascii=False))
    return code
