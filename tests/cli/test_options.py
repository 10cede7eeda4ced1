"""The page of each command names each of its options, and no page is missing."""

from __future__ import annotations

import click
import pytest

from cam_core.cli.group import COMMANDS, gradcam
from cam_core.cli.options import OPTIONS
from tests.paths import ROOT

PAGES = ROOT / "docs" / "commands"


def command(name: str) -> click.Command:
    found = gradcam.get_command(click.Context(gradcam), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_a_command(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    for option in command(name).params:
        if isinstance(option, click.Option):
            for flag in (*option.opts, *option.secondary_opts):
                assert flag in page, flag


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_names_each_choice_of_an_option(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8").replace("\\|", "|")
    for option in command(name).params:
        if isinstance(option, click.Option) and isinstance(option.type, click.Choice):
            row = next(
                line for line in page.splitlines() if line.startswith(f"| `{option.opts[0]} ")
            )
            assert [one for one in option.type.choices if one not in row] == [], option.opts[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_options_come_from_the_one_table(name: str) -> None:
    rows = {typed[0]: (typed, settings) for typed, settings in OPTIONS.values()}
    found = {option.opts[0]: option for option in command(name).params if option.opts}
    assert {"--json", "-o"} <= found.keys()
    for flag, option in found.items():
        if flag in rows:
            typed, settings = rows[flag]
            flags = [part for part in typed if part.startswith("-")]
            assert [*option.opts] == flags
            if "type" in settings:
                assert option.type is settings["type"]


@pytest.mark.parametrize("name", COMMANDS)
def test_colours_are_offered_where_they_are_taken(name: str) -> None:
    """A command that paints no maps refuses `--scale shared`: its help must not offer it."""
    (scale,) = [o for o in command(name).params if o.name == "scale"] or [None]
    if isinstance(scale, click.Option):
        assert (scale.metavar == "each|shared") == (name == "explain")
        assert ("Colours" in (scale.help or "")) == (name == "explain")
