"""Matrices for the tests."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import multigrad


@pytest.fixture(scope="session")
def poisson() -> sp.csr_array:
    """Poisson's equation on 60 × 60 points."""
    return multigrad.gallery.poisson((60, 60))


@pytest.fixture(scope="session")
def flow() -> sp.csr_array:
    """Convection and diffusion, not symmetric."""
    return multigrad.gallery.problem("recirculating-flow", 40).A


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)
