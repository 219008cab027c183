"""Where the app under test keeps its data."""

from __future__ import annotations

from pathlib import Path

import pytest

from quizdl.settings import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data", tmp_path / "data")
