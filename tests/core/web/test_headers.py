"""What may be asked is the page's own folder, and nothing else."""

from __future__ import annotations

from cam_core.web.headers import HEADERS, POLICY


def test_nothing_but_the_own_host_is_allowed() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules.pop("default-src") == "'none'"
    assert rules["connect-src"] == "'self'"
    allowed = {word for words in rules.values() for word in words.split()}
    assert allowed == {"'self'", "'none'", "'wasm-unsafe-eval'", "blob:", "data:"}


def test_a_page_with_them_may_share_memory() -> None:
    assert HEADERS["Cross-Origin-Opener-Policy"] == "same-origin"
    assert HEADERS["Cross-Origin-Embedder-Policy"] == "require-corp"
