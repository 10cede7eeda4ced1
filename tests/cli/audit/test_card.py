"""The section for a model card."""

from __future__ import annotations

from typing import Any

from cam_core.cli.audit.card import card

FACTS: dict[str, Any] = {
    "verdict": {"line": "14 photos; 50.0% right"},
    "metrics": {"correct": "is that the label?", "failed": "1 of a photo"},
    "statistics": {
        "correct": {"photos": 14, "mean": 0.5, "mean_interval": [0.25, 0.75]},
        "failed": {"photos": 0, "mean": None, "mean_interval": None},
    },
    "slices": [
        {
            "kind": "class",
            "name": name,
            "photos": 7,
            "means": {"correct": {"mean": mean, "interval": [0, 1]}},
        }
        for name, mean in (("cat", 0.75), ("a|b", 0.25))
    ],
    "shortcuts": [{"answer": "cat", "where": "in the upper left corner", "photos": 5}],
    "biases": [],
    "failed": 1,
    "photos": 15,
    "settings": {"method": "gradcam"},
    "sha256": "0123456789abcdef" * 4,
}


def test_it_says_what_is_known_the_worst_first() -> None:
    text = card(FACTS).decode()
    assert "14 photos; 50.0% right." in text
    assert "| correct | is that the label? | 14 | 0.5 | 0.25 to 0.75 |" in text
    assert "| failed |" not in text  # of which there is no number
    assert text.index("class a\\|b: 0.25") < text.index("class cat: 0.75")
    assert "the maps of cat lie in the upper left corner on 5 photos" in text
    assert "- 1 photo could not be looked at" in text
    assert "settings `0123456789abcdef`" in text


def test_without_slices_and_doubts_it_is_short() -> None:
    text = card(FACTS | {"slices": [], "shortcuts": [], "failed": 0}).decode()
    assert "lowest" not in text
    assert "Look at these" not in text
