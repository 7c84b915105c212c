"""Stacks of tables and constants solved in many digits, piece by piece, for comparison.

On a piece ln w = ln w_0 + b (E - E_0), w = sigma_ele, so dE/dx = a + j/w becomes
dw/dx = b (a w + j), whose solution a w + j = (a w_0 + j) e^{a b x} is followed from edge to edge.
The current is bisected until the march from the anode ends at the cathode.
"""

from mpmath import exp, inf, log, mp, mpf

MOST_DIGITS = 2000
"""A march may multiply what was rounded at its start by 10 to a power of hundreds."""
ROUNDING = mpf(10) ** -16


class Layer:
    """Thickness (cm), sigma_ion (S/cm), and a table (V, log10 S/cm); one point is a constant."""

    def __init__(self, thickness, sigma_ion, E, log10_sigma):
        self.thickness, self.sigma_ion = mpf(thickness), mpf(sigma_ion)
        self.E = [mpf(x) for x in E]
        self.log10 = [mpf(x) for x in log10_sigma]

    @property
    def log(self):
        """ln sigma_ele at the points, in the digits in force."""
        return [x * log(10) for x in self.log10]

    def piece(self, E, sense):
        """Lower edge, upper edge, ln w at E, and slope of the piece on whose side E is left."""
        k = sum(edge <= E if sense > 0 else edge < E for edge in self.E)
        if k == 0:
            return -inf, self.E[0], self.log[0], mpf(0)
        if k == len(self.E):
            return self.E[-1], inf, self.log[-1], mpf(0)
        b = (self.log[k] - self.log[k - 1]) / (self.E[k] - self.E[k - 1])
        return self.E[k - 1], self.E[k], self.log[k - 1] + b * (E - self.E[k - 1]), b

    def far_end(self, E, a, j):
        """E after the whole thickness."""
        x = self.thickness
        start = self.piece(E, 1)
        speed = a + j * exp(-start[2])
        if speed == 0:
            return E
        sense = 1 if speed > 0 else -1
        while True:
            low, high, log_w, b = self.piece(E, sense)
            edge, w = high if sense > 0 else low, exp(log_w)
            if b == 0:
                step = (edge - E) / (a + j / w)
                if step >= x:
                    return E + (a + j / w) * x
            else:
                w_edge = w * exp(b * (edge - E))
                flow, flow_edge = a * w + j, a * w_edge + j
                if flow * flow_edge > 0:
                    step = log(flow_edge / flow) / (a * b) if a else (w_edge - w) / (b * j)
                else:
                    step = inf
                if step >= x:
                    w_end = (flow * exp(a * b * x) - j) / a if a else w + b * j * x
                    return E + log(w_end / w) / b
            x, E = x - step, edge


def nodes_at(layers, E_anode, current, j):
    """E at every boundary when marched from the anode at a leak current j (A/cm2)."""
    nodes = [mpf(E_anode)]
    for layer in layers:
        nodes.append(layer.far_end(nodes[-1], (current + j) / layer.sigma_ion, j))
    return nodes


def solve_exactly(layers, E_anode, E_cathode, current=0, near=None, digits=30):
    """Nodes (V) and leak current (A/cm2) of a stack; digits are added until the march fits.

    near: a leak current around which the root is looked for first; the answer does not depend on
    it, since the march must end below E_cathode at one end of the bracket and above at the other.
    """
    while digits < MOST_DIGITS:
        with mp.workdps(digits):
            found = _solve(layers, mpf(E_anode), mpf(E_cathode), mpf(current), near)
        if found and abs(found[0][-1] - E_cathode) < 1e-13:
            return [float(E) for E in found[0]], float(found[1])
        digits, near = 2 * digits, found[1] if found else near
    raise ArithmeticError("the march cannot be placed")


def _solve(layers, E_anode, E_cathode, current, near):
    ionic = sum(layer.thickness / layer.sigma_ion for layer in layers)
    electronic = sum(layer.thickness * exp(-min(layer.log)) for layer in layers)
    drive = E_cathode - E_anode - current * ionic
    sign = 1 if drive > 0 else -1

    def excess(log_j):
        return sign * (nodes_at(layers, E_anode, current, sign * exp(log_j))[-1] - E_cathode)

    a, b = log(abs(drive) / (ionic + electronic)), log(abs(drive) / ionic)
    if near and near * sign > 0:
        low, high = (log(abs(mpf(near))) + side * mpf(10) ** -12 for side in (-1, 1))
        if a < low and high < b and excess(low) < 0 < excess(high):
            a, b = low, high
    if not excess(a) <= 0 <= excess(b):  # as mathematics has it: the digits do not suffice
        return None
    j = sign * exp(_root(excess, a, b))
    return nodes_at(layers, E_anode, current, j), j


def _root(f, a, b):
    """Anderson and Bjorck's rule in a bracket, and bisection where that gains less than half."""
    f_a, f_b = ends = f(a), f(b)
    while b - a > mpf(10) ** (5 - mp.dps) and f_a and f_b:
        if b - a < ROUNDING and ends[1] - ends[0] < ROUNDING:
            break
        for x in ((a * f_b - b * f_a) / (f_b - f_a), None):
            before = b - a
            x = (a + b) / 2 if x is None or not a < x < b else x
            f_x = f(x)
            if f_x < 0:
                weight = 1 - f_x / f_a
                ends = f_x, ends[1]
                a, f_a, f_b = x, f_x, f_b * (weight if weight > 0 else mpf(1) / 2)
            else:
                weight = 1 - f_x / f_b
                ends = ends[0], f_x
                b, f_b, f_a = x, f_x, f_a * (weight if weight > 0 else mpf(1) / 2)
            if b - a < before / 2 or f_x == 0:
                break
    return a if not f_a else b if not f_b else (a + b) / 2
