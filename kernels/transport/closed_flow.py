"""The flow dE/dx = a + j/sigma_ele(E) of branches of one slope, in closed form.

In u = E/volt, with s = sigma_ele |a/j| and tau = |a| x/volt, the flow covers

    tau = integral s/(1 + s) du            where a and j have one sign,
    tau = integral s/(1 - s) du            where they do not, upwards below s = 1, downwards above.

The first is the integral of an open circuit with sigma_ion = |j/a|. In the second the flow stands
still at s = 1. With c, n, p of s = c + n e^-u + p e^u, r = 2 sqrt(np), d^2 = |(1 - c)^2 - r^2|:

    c < 1, 1 - c > r    two standstills l_n = ln(2n/(1 - c + d)) and l_p = ln((1 - c + d)/(2p)),
                        tau = k du + (psi(u - l_n) - psi(l_p - u))/d by differences,
                        psi(y) = ln(1 - e^-|y|), k = (2c - c^2 + r^2)/((1 + d) d) between them and
                        -1 outside
    c > 1, c - 1 > r    none: tau = -du (1 + (1 - N - P)/d), N and P means of the logistic function
    else                none: tau = -du - 2 atan2(d (t_2 - t_1), q + (r + 1 - c) t_1 t_2)/d,
                        q = r + c - 1, t = tanh of half the distance from the middle

Nothing cancels between the standstills, and next to one the distance from it is what is searched,
so that a potential that all but rests is right to its own rounding.
"""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.numerics.root import find_root
from muli.kernels.numerics.safe import log_or_absent, mean_logistic
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.arrival import Arrival
from muli.kernels.transport.flow import Rates

Scalar = Float[Array, ""]
Flag = Bool[Array, ""]
LARGEST_RATIO = 70.0
"""ln of the largest |j/a| (S/cm): beyond it ions carry nothing that counts."""
SMALLEST_ROOT = 1e-11
"""Least d: closer standstills count as this far apart."""
AT_REST = 40.0
"""-ln of the share of the way to a standstill that is left where a potential rests."""
LAST_STEP = 1e-9
"""The Newton step, relative, whose square is below rounding."""
MARGIN = 1.25
"""By how much the search for a place looks past the bounds of the potential."""
ROUNDINGS = 8.0
"""Machine epsilons within which a potential is at a standstill."""
ROUNDED = 1e-9
"""Two results for the distance to the standstill ahead differ by less, to another by more."""
FARTHEST = 300.0
"""Distance from the middle (units of u) beyond which tanh is 1."""


class _Course(NamedTuple):
    """What is known of a flow: s and its roots, see the module.

    helps: a and j have one sign. stands: there are standstills, at low and high. bare: neither, and
    the tanh is needed. root: d. inner: k.
    """

    s: Dilute
    helps: Flag
    stands: Flag
    bare: Flag
    low: Scalar
    high: Scalar
    root: Scalar
    inner: Scalar
    log_half: Scalar
    excess: Scalar
    double: Scalar


class ClosedFlow(eqx.Module):
    """One layer of branches of one slope; V, cm, A/cm2, S/cm. For double precision."""

    conductor: Dilute
    a: Scalar
    j: Scalar
    E_low: Scalar
    E_high: Scalar

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """The potential a length (cm, negative towards the anode) after E_0."""
        course, volt, log_scale = self._course()
        u = E_0 / volt
        sense = jnp.sign(length) * jnp.sign(self.j) * _heading(course, u)
        log_tau = log_or_absent(jnp.abs(length)) + log_scale
        bound = jnp.where(sense > 0, self.E_high, self.E_low) / volt
        ahead = jnp.where(sense > 0, course.high, course.low)
        side = _side(course, u)
        ahead = jnp.where(side > 0, course.high, jnp.where(side < 0, course.low, ahead))
        towards = course.stands & (sense * (ahead - u) > 0)
        stops = towards & (jnp.abs(ahead - u) <= jnp.abs(bound - u))
        room = jnp.where(stops, jnp.abs(ahead - u), MARGIN * jnp.abs(bound - u))
        safe_room = jnp.where(room > 0, room, 1.0)

        def excess(v: Scalar) -> tuple[Scalar, Scalar, Scalar]:
            moved = -safe_room * jnp.expm1(-v)
            left = jnp.where(stops, safe_room * jnp.exp(-v), jnp.nan)
            covered = jnp.abs(_covered(course, u, sense * moved, moved, side, left))
            rate = _rate(course, u + sense * moved, left)
            covered = jnp.where(covered > 0, covered, jnp.finfo(v.dtype).tiny)
            slope = rate * (safe_room - moved) / covered
            return jnp.log(covered) - log_tau, slope, LAST_STEP * v

        most = jnp.where(stops, AT_REST, -math.log1p(-1.0 / MARGIN))
        most = most * jnp.ones_like(u)
        v = find_root(excess, jnp.zeros_like(u), most, 0.5 * most)
        beyond = ~stops & (excess(most)[0] < 0)
        rests = stops & (v >= AT_REST)
        E = E_0 - sense * volt * safe_room * jnp.expm1(-v)
        E = jnp.where(rests, ahead * volt, jnp.where(beyond, bound * volt, E))
        still = (length == 0) | (sense == 0) | (room == 0)
        return Arrival(jnp.where(still, E_0, E), jnp.where(beyond & ~still, sense, 0.0))

    def length(self, E_0: Scalar, E_1: Scalar) -> Scalar:
        """Length (cm) over which E_0 becomes E_1; infinite where it never does."""
        length = self._between(E_0, E_1)
        return jnp.where(E_0 == E_1, 0.0, jnp.where(length > 0, length, jnp.inf))

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """(int_{E_0}^{E_1} dE/f - length) f(E_1), f(E_1) held fixed.

        Where a face rests at a standstill, that face's distance from it.
        """
        hold = jax.lax.stop_gradient
        course, volt, _ = self._course()
        upwards = self.j > 0
        goal, source = course.high * volt, course.low * volt
        goal, source = jnp.where(upwards, goal, source), jnp.where(upwards, source, goal)
        ends, starts = hold(_rests(course, upwards, E_0 / volt, E_1 / volt))
        apart = course.high * volt + volt  # from any standstill
        left, right = (jnp.where(ends | starts, apart, E) for E in (E_0, E_1))
        moving = (self._between(left, right) - length) * hold(self._speed(right))
        leaving = hold(self.rates(E_0, E_1).near) * (E_0 - source)
        return jnp.where(ends, E_1 - goal, jnp.where(starts, leaving, moving))

    def rates(self, E_0: Scalar, E_1: Scalar) -> Rates:
        """-f(E_1)/f(E_0) and 1."""
        tiny = jnp.sqrt(jnp.finfo(E_0.dtype).tiny)
        start = self._speed(E_0)
        start = jnp.where(jnp.abs(start) > tiny, start, tiny)
        return Rates(-self._speed(E_1) / start, jnp.ones_like(start))

    def _between(self, E_0: Scalar, E_1: Scalar) -> Scalar:
        """int dE/f (cm): negative against the flow, not finite across a standstill."""
        course, volt, log_scale = self._course()
        u = E_0 / volt
        step = (E_1 - E_0) / volt
        side = _side(course, u)
        covered = _covered(course, u, step, jnp.abs(step), side, jnp.nan * u)
        across = course.stands & (side != _side(course, E_1 / volt))
        covered = jnp.where(across, jnp.nan, covered)
        return jnp.sign(self.j) * covered * jnp.exp(-log_scale)

    def _speed(self, E: Scalar) -> Scalar:
        """dE/dx (V/cm)."""
        course, volt, log_scale = self._course()
        u = E / volt
        pace = volt * jnp.exp(log_scale) / _rate(course, u, jnp.nan * u)
        return jnp.sign(self.j) * _heading(course, u) * pace

    def _course(self) -> tuple[_Course, Scalar, Scalar]:
        """The flow in units of u, volt, and ln(|a|/volt) (1/cm)."""
        conductor = self.conductor
        log_j, log_a = log_or_absent(jnp.abs(self.j)), log_or_absent(jnp.abs(self.a))
        log_a = jnp.maximum(log_a, log_j - LARGEST_RATIO)
        shift = conductor.log_sigma_ion + log_a - log_j
        s = Dilute(
            jnp.zeros_like(shift),
            conductor.floor * jnp.exp(shift),
            conductor.log_n + shift,
            conductor.log_p + shift,
            jnp.ones_like(shift),
        )
        return _prepared(s, self.a * self.j >= 0), conductor.volt, log_a - jnp.log(conductor.volt)


def _prepared(s: Dilute, helps: Flag) -> _Course:
    one_less = 1.0 - s.floor
    double = 2.0 * jnp.exp(jnp.minimum(0.5 * (s.log_n + s.log_p), 300.0))
    square = (one_less - double) * (one_less + double)
    root = jnp.sqrt(jnp.maximum(jnp.abs(square), SMALLEST_ROOT**2))
    log_half = jnp.log(0.5 * (jnp.abs(one_less) + root))
    inner = (s.floor * (2.0 - s.floor) + double**2) / ((1.0 + root) * root)
    stands = ~helps & (one_less > 0) & (square > 0)
    return _Course(
        s=s,
        helps=helps,
        stands=stands,
        bare=~helps & (square <= 0),
        low=s.log_n - log_half,
        high=log_half - s.log_p,
        root=root,
        inner=inner,
        log_half=log_half,
        excess=one_less,
        double=double,
    )


def _side(course: _Course, u: Scalar) -> Scalar:
    """0 between the standstills, 1 above both, -1 below both; 0 without any."""
    side = (u > course.high).astype(u.dtype) - (u < course.low).astype(u.dtype)
    return jnp.where(course.stands, side, 0.0)


def _rests(course: _Course, upwards: Flag, u_0: Scalar, u_1: Scalar) -> tuple[Flag, Flag]:
    """Whether a flow from u_0 to u_1 ends at the standstill that it runs to, and whether it starts
    at that from which it runs away, within rounding. upwards: j > 0."""

    def at(u: Scalar, standstill: Scalar) -> Flag:
        return jnp.abs(u - standstill) <= ROUNDINGS * jnp.finfo(u.dtype).eps * (1.0 + jnp.abs(u))

    goal = jnp.where(upwards, course.high, course.low)
    source = jnp.where(upwards, course.low, course.high)
    sense = jnp.where(upwards, 1.0, -1.0)
    ends = at(u_1, goal) & ((sense * (u_0 - source) > 0) | at(u_0, source))
    starts = at(u_0, source) & (sense * (goal - u_1) > 0)
    return course.stands & ends, course.stands & starts & ~ends


def _heading(course: _Course, u: Scalar) -> Scalar:
    """Direction of the flow for j > 0."""
    between = (u > course.low) & (u < course.high)
    outside = (u > course.high) | (u < course.low)
    standing = between.astype(u.dtype) - outside.astype(u.dtype)
    return jnp.where(course.helps, 1.0, jnp.where(course.stands, standing, -1.0))


def _covered(
    course: _Course, u: Scalar, step: Scalar, moved: Scalar, side: Scalar, left: Scalar
) -> Scalar:
    """tau from u to u + step, with the sign of the flow for j > 0.

    moved: |step|. side: of u. left: distance to the standstill ahead at the end, NaN where it
    follows from the end.
    """
    end = u + step
    low, width = jnp.minimum(u, end), moved
    helped = jnp.exp(course.s.log_mean(low, low + width)) * step
    near_p, near_n = jnp.abs(course.high - u), jnp.abs(u - course.low)
    far_p, far_n = jnp.abs(course.high - end), jnp.abs(end - course.low)
    known = ~jnp.isnan(left)
    upper = jnp.where(side == 0, step > 0, side > 0)
    far_p = jnp.where(known & upper, left, far_p)
    far_n = jnp.where(known & ~upper, left, far_n)
    logs = _psi_change(near_n, far_n, moved) - _psi_change(near_p, far_p, moved)
    standing = jnp.where(side == 0, course.inner, -1.0) * step + logs / course.root
    return jnp.where(
        course.helps,
        helped,
        jnp.where(course.stands, standing, _falling(course, low, width, step)),
    )


def _falling(course: _Course, low: Scalar, width: Scalar, step: Scalar) -> Scalar:
    """Without a standstill, the second and third form of the module."""
    electrons, log_e = mean_logistic(course.low - low - width, width)
    holes, log_h = mean_logistic(low - course.high, width)
    means = electrons * jnp.exp(log_e) + holes * jnp.exp(log_h)
    middle = 0.5 * (course.s.log_n - course.s.log_p)
    w_1, w_2 = (jnp.clip(x - middle, -FARTHEST, FARTHEST) for x in (low, low + width))
    t_1, t_2 = jnp.tanh(0.5 * w_1), jnp.tanh(0.5 * w_2)
    rise = jnp.sinh(0.5 * (w_2 - w_1)) / (jnp.cosh(0.5 * w_1) * jnp.cosh(0.5 * w_2))
    below, above = course.double - course.excess, course.double + course.excess
    angle = jnp.arctan2(course.root * rise, below + above * t_1 * t_2)
    bare = -width - 2.0 * angle / course.root
    plain = -width * (1.0 + (1.0 - means) / course.root)
    return jnp.sign(step) * jnp.where(course.bare, bare, plain)


def _psi_change(start: Scalar, end: Scalar, moved: Scalar) -> Scalar:
    """ln(1 - e^-end) - ln(1 - e^-start) for distances `moved` apart."""
    least = jnp.maximum(jnp.minimum(start, end), jnp.finfo(start.dtype).tiny)
    change = jnp.log1p(-jnp.expm1(-moved) / jnp.expm1(jnp.minimum(least, 600.0)))
    return jnp.where(end > start, change, -change)


def _rate(course: _Course, u: Scalar, left: Scalar) -> Scalar:
    """|d tau/du|. left: distance to the standstill ahead, NaN where it follows from u."""
    log_s = jnp.clip(_log_s(course.s, u), -600.0, 600.0)
    away_p, away_n = jnp.abs(u - course.high), jnp.abs(course.low - u)
    nearer = jnp.minimum(away_p, away_n)
    near = course.stands & (nearer < 1.0)
    # |1 - s| as the product of both distances: next to a standstill it would cancel.
    closer = jnp.where(near, jnp.where(jnp.abs(left - nearer) < ROUNDED, left, nearer), 1.0)
    sign_p, sign_n = (jnp.sign(x) for x in (u - course.high, course.low - u))
    at_p = away_p < away_n
    other = jnp.where(at_p, sign_n * away_n, sign_p * away_p)
    own = jnp.where(at_p, sign_p, sign_n) * closer
    gap = jnp.exp(course.log_half) * jnp.abs(jnp.expm1(own) * jnp.expm1(jnp.clip(other, -300, 300)))
    tiny = jnp.sqrt(jnp.finfo(u.dtype).tiny)
    against = jnp.exp(log_s) / jnp.maximum(gap, tiny)
    far = 1.0 / jnp.maximum(jnp.abs(jnp.expm1(-log_s)), tiny)
    return jnp.where(course.helps, jax.nn.sigmoid(log_s), jnp.where(near, against, far))


def _log_s(s: Dilute, u: Scalar) -> Scalar:
    branches = jnp.logaddexp(s.log_n - u, s.log_p + u)
    return jnp.logaddexp(log_or_absent(s.floor), branches)
