"""Status of a stack: every stack in gives one answer out, with a reason where it is not `ok`.

A batch never raises: statuses are integer codes beside the numbers. The edge (one call, the
command line, a table row) turns a code into its name and its whole message.
"""

from enum import IntEnum


class Status(IntEnum):
    """Outcome of one stack. Larger is worse, so combining two is a maximum."""

    message: str

    def __new__(cls, code: int, message: str) -> "Status":
        """Attach the human sentence to the integer code."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    OK = 0, "solved"
    MISSING_PROPERTY = (
        1,
        "a conductivity or window this number needs is unknown; the inverse answers stand",
    )
    UNPROTECTABLE = (
        2,
        "the electrolyte's oxidation limit is at or below the anode potential: nothing protects it",
    )
    EXTRAPOLATED_TABLE = 3, "the potential left the tabulated range of sigma_ele"
    ILL_CONDITIONED = (
        4,
        "the answer cannot be placed better than 1e-4 V in this precision; use float64",
    )
    UNDERFLOW = 5, "conductances fall below the range of this precision; use float64"
    NOT_CONVERGED = 6, "the root search ended outside its tolerance"
    INPUT_OUT_OF_RANGE = (
        7,
        "an input is not finite or not positive where it must be, or outside its physical range",
    )

    @property
    def label(self) -> str:
        """Lower-case name as it stands in every table, e.g. ``not_converged``."""
        return self.name.lower()
