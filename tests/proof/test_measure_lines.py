"""The numbers of a claim at every width: beside their bounds, never torn."""

from __future__ import annotations

import pytest

from quizdl.model import Measure, Role
from quizdl.proof.report import measure_lines
from quizdl.render.numbers import format_number
from quizdl.render.text import plain, width_of

MEASURES = (
    Measure("中心差分 / 反向传播的斜率", Role.GUARD, "in [0.99999, 1.00001]", 1.25, 1.5, True),
    Measure("梯度", Role.EXPECT, "<= 1e-12", 1.989e-9, -0.009189, True),
)


@pytest.mark.parametrize("width", range(24, 100))
def test_a_number_stands_beside_its_control_and_its_bound_is_in_one_piece(width: int) -> None:
    lines = measure_lines(MEASURES, width)
    assert all(width_of(line) <= width for line in lines)
    text = plain(lines).split("\n")
    for measure in MEASURES:
        value, control = (format_number(each or 0) for each in (measure.value, measure.control))
        assert any(measure.bound in line for line in text)
        assert any(value in line and line.rstrip().endswith(control) for line in text)
