"""A real Chromium with a page open in it, and all that it says and asks meanwhile."""

from __future__ import annotations

import base64
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cam_core.recording.recorded import Recorded, from_npz
from cam_core.web import address, find_runtime, serve, write_site
from tests.core.web.page import runtime_folder
from tests.core.web.sites import made_for_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--no-sandbox", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)
WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
"""WebGPU computed on the processor."""
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
OWN_WORDS = ("No available adapters.",)
"""What Chromium itself says where it is asked for WebGPU and the machine has none."""
PATIENCE = 120_000
"""Milliseconds that a page may take on a machine with other things to do."""

DROP = """([name, text, size]) => {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const file = new File([bytes], name);
  if (size) Object.defineProperty(file, "size", { value: size });
  const event = new Event("drop", { bubbles: true, cancelable: true });
  event.dataTransfer = { files: [file] };
  document.body.dispatchEvent(event);
}"""


def chromium() -> str:
    """Where the browser is; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    return CHROMIUM


@dataclass
class Opened:
    """An open page."""

    page: Any
    base: str
    heard: list[str] = field(default_factory=list)
    """What stood in the console."""
    elsewhere: list[str] = field(default_factory=list)
    """Requests that left the folder."""

    def goto(self, query: str = "", patience: int = PATIENCE) -> None:
        """The page, up to its first picture and a decision about WebGPU."""
        self.page.goto(self.base + query)
        self.page.wait_for_selector("html[data-settled]", state="attached", timeout=patience)

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector)).strip()

    def answers(self) -> list[str]:
        return [str(text) for text in self.page.locator(".answers b").all_inner_texts()]

    def status(self, begins: str) -> None:
        """Wait until a photo was looked at."""
        self.expect("#status", re.compile(f"^{re.escape(begins)}"))

    def drop(self, name: str, content: bytes, size: int = 0) -> None:
        """A file on the page, as a mouse would let it fall."""
        self.page.evaluate(DROP, [name, base64.b64encode(content).decode(), size])

    def refused(self) -> str:
        """The sentence that is shown, once there is one."""
        self.page.wait_for_selector("#alert:not([hidden])", timeout=PATIENCE)
        return self.text("#alert")

    def choose(self, name: str) -> None:
        """An answer by its name, up to its picture."""
        self.page.locator(".answers button", has_text=name).first.click()
        self.expect(".title", name)

    def expect(self, selector: str, text: Any) -> None:
        """Wait until the first of its kind says this."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector).first).to_have_text(text, timeout=PATIENCE)

    def recording(self, at: int = 0) -> Recorded:
        """What the page would save."""
        with self.page.expect_download() as saved:
            self.page.locator("[data-save=recording]").nth(at).click()
        return from_npz(Path(saved.value.path()).read_bytes(), saved.value.suggested_filename)

    def clean(self) -> None:
        """Nothing in the console but what Chromium itself says, and no request that left."""
        assert [line for line in self.heard if line not in OWN_WORDS] == []
        assert self.elsewhere == []


@contextmanager
def opened(tools: Any, site: Path, *flags: str, **context: Any) -> Iterator[Opened]:
    """A fresh browser, of a playwright that runs, on a folder that is served on loopback."""
    with served(site) as base:
        browser = tools.chromium.launch(
            executable_path=chromium(), args=[*FLAGS, *(flags or ("--disable-gpu",))]
        )
        page = browser.new_context(**context).new_page()
        found = Opened(page, base)
        page.on("console", lambda message: found.heard.append(message.text))
        page.on("pageerror", lambda error: found.heard.append(str(error)))
        page.context.on("request", lambda request: _note(found, request.url))
        try:
            yield found
        finally:
            browser.close()


def _note(found: Opened, url: str) -> None:
    if not url.startswith((found.base, "blob:", "data:")):
        found.elsewhere.append(url)


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Where the folder is."""
    with serve(site, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield address(server)
        finally:
            server.shutdown()
            thread.join()


def site_of(folder: Path, models: Sequence[Path] = (), samples: Any = None, **asked: Any) -> Path:
    """A site of these models with the runtime that is installed."""
    runtime = find_runtime(runtime_folder())
    made = [made_for_page(path, **asked).model for path in models]
    write_site(folder, made, runtime=runtime, samples=samples)
    return folder
