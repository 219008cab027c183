"""Proof: a claim is measured, and so is a control in which it must fail.

Demos import `claim` and the kinds of figures from here and nothing else, so this package
stays light: the parts that run and judge demos are imported by their own names.
"""

from quizdl.proof.authoring import claim
from quizdl.proof.figures import bar, heatmap, hist, line, scatter

__all__ = ["bar", "claim", "heatmap", "hist", "line", "scatter"]
