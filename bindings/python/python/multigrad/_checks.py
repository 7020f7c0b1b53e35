"""Checks of arguments: every error names the argument."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import Error

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 2**31 - 1


def integer(name: str, value: Any, least: int = 0, most: int = LARGEST) -> int:
    """An integer between two bounds."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {_short(value)}; it must be an integer") from None
    if not least <= number <= most:
        raise Error(f"{name} is {number}; it must lie between {least} and {most}")
    return number


def number(name: str, value: Any, *, positive: bool = False) -> float:
    """A finite number, positive or at least zero."""
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} is {_short(value)}; it must be a number") from None
    if not math.isfinite(result) or result < 0 or (positive and result == 0):
        raise Error(f"{name} is {result}; it must be {'positive' if positive else 'zero or positive'} and finite")
    return result


def text(name: str, value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {_short(value)}; it must be a string")
    return value


def method(value: Any) -> str | None:
    """None, or the name of a Krylov method; the GMRES of the library is flexible."""
    if value is None:
        return None
    name = text("accel", value).lower()
    return "fgmres" if name == "gmres" else name


def optional_number(name: str, value: Any) -> float | None:
    """None, or a number that is at least zero."""
    return None if value is None else number(name, value)


def optional_bytes(name: str, value: Any) -> int | None:
    """None, or a number of bytes."""
    return None if value is None else int(min(number(name, value), 2.0**62))


def callback(name: str, value: Any) -> Any:
    """None, or something that can be called."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {_short(value)}; it must be a function")
    return value


def real_array(name: str, value: Any) -> NDArray[np.float64]:
    """An array of real numbers as float64."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise Error(f"{name} is not a rectangular array of numbers") from None
    return real_values(name, array)


def real_values(name: str, array: NDArray[Any]) -> NDArray[np.float64]:
    """The numbers of an array as float64; integers beyond 2⁵³ are refused, because they would be rounded."""
    if array.dtype.kind == "c":
        raise Error(
            f"{name} is complex; multigrad solves real systems: pass real and imaginary part as a real system of twice the size"
        )
    if array.dtype.kind not in "fiub":
        raise Error(f"{name} has the type {array.dtype}; it must hold real numbers")
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        if int(array.max()) > 2**53 or int(array.min()) < -(2**53):
            raise Error(f"{name} has integers beyond 2⁵³, which float64 does not hold exactly; convert them first")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 40 else f"a {type(value).__name__}"
