"""The `gradcam` group: commands are imported when they are called, errors end in one line."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any, NoReturn

import click

from cam_core.errors import CamError

COMMANDS = {
    "explain": (
        "cam_core.cli.commands.explain:explain",
        "Show where in a picture a model sees a class.",
    ),
    "boxes": ("cam_core.cli.commands.boxes:boxes", "Write the box round the heat of each map."),
    "masks": ("cam_core.cli.commands.masks:masks", "Write the mask of the heat of each map."),
    "rank": ("cam_core.cli.commands.rank:rank", "Rank the methods on your own model and photos."),
    "compare": (
        "cam_core.cli.commands.compare:compare",
        "Say whether two models look at the same thing.",
    ),
    "audit": ("cam_core.cli.commands.audit:audit", "Look at many photos, and write a report."),
    "record": (
        "cam_core.cli.commands.record:record",
        "Write a model's scores and maps, one .npz a photo.",
    ),
    "convert": (
        "cam_core.cli.commands.convert:convert",
        "Write a model as .onnx, and check that it computes the same.",
    ),
    "instrument": (
        "backends.onnx.commands.instrument:instrument",
        "Write a .onnx that gives its own class activation map.",
    ),
    "web": (
        "backends.onnx.commands.web:web",
        "Write a page where models explain themselves, in any browser.",
    ),
    "strip": ("backends.onnx.commands.strip:strip", "Take out all that `instrument` added."),
    "layers": ("backends.onnx.commands.layers:layers", "List the layers that can be explained."),
    "check": (
        "backends.onnx.commands.check:check",
        "Say whether and how a model can be explained.",
    ),
    "targets": (
        "cam_core.cli.commands.targets:targets",
        "List what can be asked of a model, with values on a picture.",
    ),
    "units": (
        "cam_core.cli.commands.units:units",
        "Show which channels a class hangs on, and what they see.",
    ),
    "attack": (
        "cam_core.cli.commands.attack:attack",
        "Fool a model with a photo, and see whether the map survives.",
    ),
    "doctor": (
        "cam_core.cli.commands.doctor:doctor",
        "Find out how a model wants its photos: colours, range, fit.",
    ),
    "blame": (
        "backends.onnx.commands.blame:blame",
        "Say which quantised or float16 tensors moved a model's answers.",
    ),
    "methods": ("cam_core.cli.commands.methods:methods", "List the CAM methods."),
    "demo": ("cam_core.cli.commands.demo:demo", "See it work: two classes of one scene."),
}
"""name: (module:attribute, one line of help); the module is imported on use."""

DEBUG = click.Option(
    ["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error."
)


class LazyGroup(click.Group):
    """Knows its commands by name only, and turns every failure into one line on stderr.

    Exit codes: 0 fine, 1 a negative verdict, 2 for what the user can mend, 3 for our own mistakes,
    130 after Ctrl-C.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(third_party())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command = getattr(import_module(module), attribute)
        elif cmd_name in (found := third_party()):
            command = found[cmd_name].load()
        else:
            return None
        assert isinstance(command, click.Command)
        if DEBUG not in command.params:
            command.params.append(DEBUG)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], self.list_commands(ctx), 1)
            if near:
                ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        for name, point in sorted(third_party().items()):
            rows.append((name, f"From {point.dist.name if point.dist else point.value}."))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        if not standalone_mode:
            return super().main(given, prog_name, standalone_mode=False, **extra)
        with warnings.catch_warnings():
            if "--debug" not in given:
                warnings.simplefilter("ignore")  # libraries' advice to programmers
            code = run(self, given, prog_name, extra)
        sys.exit(code)


def run(group: LazyGroup, args: list[str], prog_name: str | None, extra: dict[str, Any]) -> int:
    """Run one command and return its exit code."""
    debug = "--debug" in args
    try:
        code = group.main(args, prog_name, standalone_mode=False, **extra)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        message = error.format_message()
        end = "" if message.endswith((".", "?", "?)")) else "."
        return fail(message + end, 2, hint=usage(error))
    except click.Abort:
        return fail("stopped.", 130)
    except CamError as error:
        return fail(str(error), 2, debug=debug)
    except MemoryError:
        return fail("out of memory: the model or the picture is too large for this machine", 2)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        return 0
    except OSError as error:  # a full disk, a folder that may not be entered
        place = "" if error.filename is None else f"'{error.filename}': "
        return fail(f"{place}{error.strerror or error}", 2, debug=debug)
    except Exception as error:
        text = f"internal error: {type(error).__name__}: {error}"
        return fail(text, 3, debug=debug, hint="" if debug else "Run again with --debug.")


def fail(message: str, code: int, *, debug: bool = False, hint: str = "") -> int:
    """Say what went wrong in one line; the traceback only for those who ask."""
    if debug:
        traceback.print_exc()
    line = " ".join(f"{message} {hint}".split())
    click.echo(f"Error: {line}", err=True)
    return code


def usage(error: click.ClickException) -> str:
    """Where the flags of the failing command are explained."""
    context = getattr(error, "ctx", None)
    return "" if context is None else f"See '{context.command_path} --help'."


def third_party() -> dict[str, EntryPoint]:
    """Commands that other packages add; ours cannot be taken over."""
    found = entry_points(group="cam_core.commands")
    return {point.name: point for point in found if point.name not in COMMANDS}


def show_version(ctx: click.Context) -> NoReturn:
    """Also from a tree that was never installed."""
    try:
        click.echo(f"gradcam {version('cam-core')}")
    except PackageNotFoundError:
        click.echo("gradcam (not installed)")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _, asked: show_version(ctx) if asked else None,
    help="Show the version and exit.",
)
def gradcam() -> None:
    """Grad-CAM for deployed models: see where an .onnx file looks.

    \b
    gradcam explain model.onnx photo.jpg --preprocess imagenet
    """


gradcam.params.append(DEBUG)


def own_stdout() -> None:
    """Keep the standard output for ourselves.

    C++ libraries print advice on descriptor 1, where it would end up inside a table or JSON.
    """
    try:
        ours = os.dup(1)
    except OSError:  # closed by whoever started us
        return
    encoding = getattr(sys.stdout, "encoding", "utf-8")
    sys.stdout = sys.__stdout__ = os.fdopen(ours, "w", buffering=1, encoding=encoding)  # type: ignore[misc]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def main(prog_name: str | None = None) -> NoReturn:
    """The entry point of `gradcam` and of `python -m cam_core`."""
    if "--debug" not in sys.argv:
        own_stdout()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a label that the terminal cannot show
    gradcam(prog_name=prog_name)
    raise AssertionError("the group exits by itself")
