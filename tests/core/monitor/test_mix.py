"""Classes of both: who is compared with whom, and whether there are more of one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from cam_core.monitor.mix import REST, classes_of, mix_p, strata_of
from tests.core.monitor.logged import rows


def test_a_class_of_few_rows_is_held_with_others() -> None:
    log = ["a"] * 6 + ["b"] * 2 + ["c"] + ["new"] * 6 + ["odd"] * 3
    baseline = ["a"] * 9 + ["b"] * 20 + ["c"] * 2 + ["new"] + ["gone"] * 5 + ["some"] * 4
    found = strata_of(log, baseline)
    assert found is not None
    assert found.names == ("a", "b", REST)
    assert found.log.tolist() == [0] * 6 + [1] * 2 + [2] + [-1] * 6 + [2] * 3
    assert found.baseline.tolist() == [0] * 9 + [1] * 20 + [2] * 2 + [-1] * 6 + [2] * 4


def test_without_classes_there_are_no_parts() -> None:
    assert strata_of(None, ["a"]) is None
    assert strata_of(["a"], None) is None


def test_numbers_go_before_names() -> None:
    log, baseline = rows(20, 1), rows(30, 2)
    assert classes_of(log, baseline) == (log.classes, baseline.classes)


@pytest.mark.parametrize("mix", [(0.5, 0.3, 0.2), (0.4, 0.35, 0.25)])
def test_the_p_of_a_mix_is_that_of_chi_squared(mix: tuple[float, ...]) -> None:
    rng = np.random.default_rng(5)
    log = rng.choice(list("abc"), 150, p=mix)
    baseline = rng.choice(list("abc"), 300, p=(0.5, 0.3, 0.2))
    table = [[int((of == name).sum()) for name in "abc"] for of in (log, baseline)]
    expected = chi2_contingency(table).pvalue  # of large samples, hence the margin
    assert mix_p([*log], [*baseline], 9999) == pytest.approx(expected, abs=0.02)


def test_another_mix_is_seen() -> None:
    assert mix_p(["a"] * 50 + ["b"] * 10, ["a"] * 30 + ["b"] * 30, 999) == 1 / 1000
