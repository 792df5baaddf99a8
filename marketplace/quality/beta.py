"""The Beta distribution in plain Python: what every score, gate and interval rests on."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

_TINY = 1e-300
_EXACT = 1e-15
_HALVINGS = 60


def cdf(x: float, a: float, b: float) -> float:
    """P(X ≤ x) for X ~ Beta(a, b): the regularised incomplete beta function I_x(a, b).

    The continued fraction converges fast below the mean, so the other side is mirrored
    (NIST DLMF 8.17.22). `a`, `b` > 0. Exact to about 1e-13 for a + b up to 1e5.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    if x * (a + b + 2.0) < a + 1.0:
        return exp(log_front) * _fraction(x, a, b) / a
    return 1.0 - exp(log_front) * _fraction(1.0 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's evaluation of the continued fraction of I_x(a, b)."""
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 / _away_from_zero(1.0 + even * d)
        c = _away_from_zero(1.0 + even / c)
        value *= c * d
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _away_from_zero(1.0 + odd * d)
        c = _away_from_zero(1.0 + odd / c)
        value *= c * d
        if abs(c * d - 1.0) < _EXACT:
            break
    return value


def _away_from_zero(x: float) -> float:
    return x if abs(x) > _TINY else _TINY


def quantile(p: float, a: float, b: float) -> float:
    """The x with P(X ≤ x) = p, by bisection to the last bit that matters (below 1e-15)."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
        if high - low < _EXACT:
            break
    return (low + high) / 2.0


def interval(a: float, b: float, *, level: float) -> tuple[float, float]:
    """The equal-tailed interval that holds `level` of Beta(a, b)."""
    tail = (1.0 - level) / 2.0
    return quantile(tail, a, b), quantile(1.0 - tail, a, b)
