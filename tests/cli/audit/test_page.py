"""The page in a browser: its numbers are those of the rows, and it asks nobody for anything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("pyarrow")
pytest.importorskip("jinja2")
playwright = pytest.importorskip("playwright.sync_api")

from cam_core.cli.audit.page import DIGITS  # noqa: E402
from tests.cli.audit.files import COUNT, audit, write_files  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A report of two models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(write_files(tmp_path_factory.mktemp("audit")))
        result = audit("a.onnx", "b.onnx", "photos", "--fail-if", "failed.mean>0")
        assert result.exit_code == 1, result.output
        yield Path("out").absolute()


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[tuple[Any, list[str]]]:
    """The page, and all that went wrong or was asked for while it was open."""
    heard: list[str] = []
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: heard.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("request", lambda request: heard.append(request.url))
        page.goto((folder / "report.html").as_uri())
        yield page, heard
        browser.close()


@pytest.fixture
def page(opened: tuple[Any, list[str]]) -> Any:
    """As it is when it is opened."""
    opened[0].reload()
    return opened[0]


@pytest.fixture(scope="module")
def rows(folder: Path) -> dict[str, dict[str, Any]]:
    """Those of the Parquet files by photo."""
    from pyarrow.parquet import read_table

    return {row["photo"]: row for row in read_table(folder / "rows").to_pylist()}


def cells(page: Any) -> list[list[str]]:
    return page.eval_on_selector_all(
        "#rows tbody tr", "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    )


def heads(page: Any) -> list[str]:
    return page.eval_on_selector_all("#rows thead th", "all => all.map(one => one.textContent)")


def as_shown(value: Any) -> str | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else float(f"{float(f'{value:.{DIGITS}g}'):.4g}")


def test_every_cell_is_that_of_the_rows(page: Any, rows: dict[str, dict[str, Any]]) -> None:
    names = heads(page)
    assert {"photo", "label", "answer", "correct", "spearman", "flips", "error"} <= set(names)
    shown = cells(page)
    assert len(shown) == len(rows) == COUNT + 1
    for line in shown:
        found = dict(zip(names, line, strict=True))
        row = rows[found["photo"]]
        for name in set(names) - {"way"}:  # which the verdict sets
            expected = as_shown(row[name])
            if isinstance(expected, float):
                # the last of four digits may be rounded twice
                assert float(found[name]) == pytest.approx(expected, rel=1.1e-3), name
            else:
                assert found[name] == expected, name


def test_the_verdict_and_the_numbers_are_those_of_the_report(page: Any, folder: Path) -> None:
    facts = json.loads((folder / "report.json").read_text())
    assert page.text_content("#verdict") == facts["verdict"]["line"]
    lines = page.eval_on_selector_all(
        "#numbers tbody tr", "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    known = {line[0]: line for line in lines}
    for name in ("spearman", "energy_border", "failed"):
        one = facts["statistics"][name]
        assert known[name][2:4] == [str(one["photos"]), f"{one['mean']:.4g}"]
    assert "FAILED: failed.mean>0" in page.inner_text("main")


def test_it_sorts_both_ways_by_mouse_and_by_key(page: Any) -> None:
    at = heads(page).index("spearman")
    button = page.locator("#rows thead button").nth(at)
    button.click()
    up = [line[at] for line in cells(page)]
    assert [float(v) for v in up if v] == sorted(float(v) for v in up if v)
    assert up[-1] == ""  # what has no number stands last
    button.focus()
    page.keyboard.press("Enter")
    down = [line[at] for line in cells(page)]
    assert [float(v) for v in down if v] == sorted((float(v) for v in down if v), reverse=True)
    assert down[-1] == ""
    assert page.locator("#rows thead th").nth(at).get_attribute("aria-sort") == "descending"


def test_it_filters(page: Any, rows: dict[str, dict[str, Any]]) -> None:
    page.fill("#find", "99.PNG")
    assert [line[0] for line in cells(page)] == [name for name in rows if "99.png" in name]
    assert page.text_content("#count") == "1 to 1 of 1 photo"
    page.fill("#find", "")
    page.select_option("#kind", label="wrong answers")
    wrong = {name for name, row in rows.items() if row["correct"] is False}
    assert {line[0] for line in cells(page)} == wrong
    page.fill("#find", "nothing is called so")
    assert cells(page) == []
    assert page.text_content("#count") == "0 to 0 of 0 photos"


def test_twenty_thousand_rows_are_sorted_filtered_and_paged(folder: Path, page: Any) -> None:
    """The page with other data in it."""
    text = (folder / "report.html").read_text()
    head, _, rest = text.partition('<script type="application/json" id="data">')
    _, end, rest = rest.partition("</script>")
    known = heads(page)
    lines = [
        [f"{i:05d}" if n == "photo" else i * 7 % 20_000 if n == "spearman" else None for n in known]
        for i in range(20_000)
    ]
    data = json.dumps({"columns": known, "rows": lines})
    file = folder / "many.html"
    file.write_text(f'{head}<script type="application/json" id="data">{data}{end}{rest}')
    page.goto(file.as_uri())
    assert page.text_content("#count") == "1 to 100 of 20000 photos"
    at = known.index("spearman")
    page.locator("#rows thead button").nth(at).click()
    page.locator("#on").click()
    assert [line[at] for line in cells(page)] == [str(i) for i in range(100, 200)]
    page.fill("#find", "0123")
    names = {f"{i:05d}" for i in range(20_000) if "0123" in f"{i:05d}"}
    assert {line[0] for line in cells(page)} == names
    assert page.text_content("#count") == f"1 to {len(names)} of {len(names)} photos"
    assert page.locator("#on").is_disabled()
    page.goto((folder / "report.html").as_uri())


def test_a_dark_page_prints_dark_on_white_and_no_wider_than_paper(page: Any) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    page.set_viewport_size({"width": 1026, "height": 700})  # A4 across, 96 dots an inch
    try:
        ink = page.eval_on_selector("body", "one => getComputedStyle(one).color")
        assert luminance(ink) < 0.05
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 1026
        assert not page.locator("#find").is_visible()
    finally:
        page.emulate_media(color_scheme="light", media="screen")
        page.set_viewport_size({"width": 1280, "height": 720})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_in_light_and_dark(scheme: str, page: Any) -> None:
    """The contrast of WCAG 2.1 (1.4.3): 4.5 to 1 or more."""
    page.emulate_media(color_scheme=scheme)
    for place in ("body", "p.faint", ".bad"):
        ink = page.eval_on_selector(place, "one => getComputedStyle(one).color")
        ground = page.eval_on_selector("body", "one => getComputedStyle(one).backgroundColor")
        light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, place


def luminance(colour: str) -> float:
    parts = [int(word) / 255 for word in colour.strip("rgb()").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_picture_and_plot_says_what_it_is(page: Any) -> None:
    assert page.locator("img").count() > 8
    for selector, name in (("img", "alt"), ("svg", "aria-label"), (".scroll", "role")):
        found = page.eval_on_selector_all(
            selector, f"all => all.map(one => one.getAttribute('{name}'))"
        )
        assert all(found), selector


def test_nothing_was_asked_for_and_nothing_went_wrong(
    opened: tuple[Any, list[str]], folder: Path
) -> None:
    page, heard = opened
    page.evaluate("document.querySelectorAll('#rows thead button').forEach(one => one.click())")
    own = (folder / "report.html").as_uri()
    mine = (own, (folder / "many.html").as_uri())
    others = [one for one in heard if one not in mine and not one.startswith("data:image/png")]
    assert others == []
    assert own in heard
