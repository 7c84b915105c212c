"""Outcomes of a stack as integers: its status, the class of its coating, what limits its thickness.

Every stack in gives one answer out, with a reason where it is not `ok`. A batch never raises:
statuses are integer codes beside the numbers. The edge (one call, the command line, a table row)
turns a code into its name and its whole message. What only reads results needs these names without
JAX, which `muli.kernels` imports.
"""

from enum import IntEnum


class Status(IntEnum):
    """Outcome of one stack. Larger is worse, so combining two is a maximum."""

    OK = 0
    MISSING_PROPERTY = 1
    UNPROTECTABLE = 2
    EXTRAPOLATED_TABLE = 3
    ILL_CONDITIONED = 4
    UNDERFLOW = 5
    NOT_CONVERGED = 6
    INPUT_OUT_OF_RANGE = 7

    @property
    def label(self) -> str:
        """Lower-case name as it stands in every table, e.g. ``not_converged``."""
        return self.name.lower()

    @property
    def message(self) -> str:
        """The whole sentence behind the name."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.OK: "solved",
    Status.MISSING_PROPERTY: (
        "a conductivity or window this number needs is unknown; the inverse answers stand"
    ),
    Status.UNPROTECTABLE: (
        "the electrolyte's oxidation limit is at or below the anode potential: nothing protects it"
    ),
    Status.EXTRAPOLATED_TABLE: "the potential left the tabulated range of sigma_ele",
    Status.ILL_CONDITIONED: (
        "the answer cannot be placed better than 1e-4 V in this precision; use float64"
    ),
    Status.UNDERFLOW: "conductances fall below the range of this precision; use float64",
    Status.NOT_CONVERGED: "the root search ended outside its tolerance",
    Status.INPUT_OUT_OF_RANGE: (
        "an input is not finite or not positive where it must be, or outside its physical range"
    ),
}


class CoatingClass(IntEnum):
    """Whether a coating is stable at the potentials of its faces."""

    STABLE = 0
    WITHIN_TOLERANCE = 1
    OXIDISES = 2
    REDUCES = 3
    BOTH = 4
    UNKNOWN = 5


class ThicknessLimit(IntEnum):
    """What sets the largest thickness of a coating."""

    RESISTANCE = 0
    COATING_REDUCTION = 1
    ELECTROLYTE_REDUCTION = 2
    NONE = 3
