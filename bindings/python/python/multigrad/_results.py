"""Results of solves and trainings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Progress", "SolveResult", "TrainingReport"]


@dataclass(frozen=True, eq=False)
class SolveResult:
    """The result of a solve for one right-hand side, from ``solve(b, full_output=True)``.

    >>> import numpy as np, multigrad
    >>> solver = multigrad.solver(multigrad.gallery.poisson((50, 50)))
    >>> result = solver.solve(np.ones(2500), full_output=True)
    >>> result.converged, len(result.residuals) == result.iterations + 1
    (True, True)
    """

    #: The solution, or the last iterate.
    x: NDArray[np.float64]
    #: Whether the residual reached the tolerance.
    converged: bool
    #: ``"converged"``, ``"maxiter"`` (or a limit), ``"stagnated"``, ``"diverged"`` or ``"breakdown"``.
    status: str
    #: Number of iterations.
    iterations: int
    #: ‖b − A x‖₂ / ‖b‖₂ at the start and after every iteration.
    residuals: list[float] = field(repr=False)
    #: Seconds of the solve.
    seconds: float
    #: The Krylov method.
    accel: str
    #: The componentwise backward error of x (Oettli and Prager 1964), if it was computed.
    backward_error: float | None
    #: What to do, if the solve did not converge.
    advice: str | None
    #: The configuration that found x, if it is not the first of an automatic solver.
    solver: str | None
    #: Earlier attempts of an automatic solver, with the reason for leaving each.
    attempts: list[str]
    #: The norm of the part of b that a least-squares solve removed.
    removed: float | None
    #: The result in one sentence.
    text: str = field(repr=False)

    @property
    def residual(self) -> float:
        """The last relative residual."""
        return self.residuals[-1] if self.residuals else float("inf")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Progress:
    """The state of a training, as the argument of the callback ``progress``.

    Training for a number of solves reports phases alone: its steps are 0, its loss and factor NaN.
    """

    #: What is being done.
    phase: str
    #: Steps taken.
    step: int
    #: Steps in all.
    steps: int
    #: Loss of this step.
    loss: float
    #: Asymptotic convergence factor at the last measurement.
    factor: float
    #: Seconds since the training began.
    seconds: float


@dataclass(frozen=True)
class TrainingReport:
    """The outcome of a training. Printed, it is the account of the library."""

    #: Whether the trained smoothers replaced those of the solver.
    replaced: bool
    #: Seconds of the training.
    seconds: float
    #: Steps of the training of the solver that was kept.
    steps: int
    #: The account in words.
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text
