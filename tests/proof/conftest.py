"""Pools shared by the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demos import Prove, anyone, prove_with

from quizdl.proof.limits import Limits
from quizdl.proof.pool import Pool
from quizdl.proof.protocol import OPTIONAL


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(jobs=2, limits=Limits(wall=15, cpu=1, memory=256 << 20), permission=anyone) as pool:
        yield pool


@pytest.fixture(scope="module")
def prove(pool: Pool) -> Prove:
    """Run one demo under modest limits; its result, and its numbers as they came."""
    return prove_with(pool)


@pytest.fixture(scope="module")
def prove_soon() -> Iterator[Prove]:
    """The same with half a second of wall clock."""
    with Pool(jobs=2, limits=Limits(wall=0.5), permission=anyone) as pool:
        yield prove_with(pool)


@pytest.fixture(scope="module")
def prove_hungry() -> Iterator[Prove]:
    """The same memory, and so much CPU time that a loaded machine runs out of memory first."""
    with Pool(jobs=2, limits=Limits(wall=15, cpu=10, memory=256 << 20), permission=anyone) as pool:
        yield prove_with(pool)


@pytest.fixture(scope="module")
def prove_bare() -> Iterator[Prove]:
    """Where neither the kernel nor a wrapper helps: rlimits and the killing of the tree only."""
    with Pool(
        jobs=2, limits=Limits(wall=15, cpu=1, memory=256 << 20), permission=anyone, without=OPTIONAL
    ) as pool:
        yield prove_with(pool)


@pytest.fixture(scope="module")
def prove_bare_soon() -> Iterator[Prove]:
    """The same with half a second of wall clock."""
    with Pool(jobs=2, limits=Limits(wall=0.5), permission=anyone, without=OPTIONAL) as pool:
        yield prove_with(pool)
