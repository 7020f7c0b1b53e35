"""Exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._multigrad import Error, LimitExceeded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ._results import SolveResult

__all__ = ["Error", "LimitExceeded", "NotConverged"]


class NotConverged(Error):
    """A solve that did not reach its tolerance. It carries what was computed.

    Attributes
    ----------
    x
        The last iterates, in the shape of the right-hand side.
    results
        The results of all right-hand sides.
    result
        The first result that did not converge; ``result.advice`` says what to do.

    >>> import numpy as np, multigrad
    >>> A = multigrad.gallery.poisson((60, 60))
    >>> try:
    ...     multigrad.solve(A, np.ones(3600), maxiter=2)
    ... except multigrad.NotConverged as e:
    ...     print(e.result.iterations, e.x.shape)
    2 (3600,)
    """

    def __init__(self, message: str, x: NDArray[np.float64], results: list[SolveResult]) -> None:
        super().__init__(message)
        self.x = x
        self.results = results
        self.result = next(r for r in results if not r.converged)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.x, self.results)
