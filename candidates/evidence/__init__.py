"""Evidence: a distribution for every property of every material, measured or not.

`of("LiNbO3")["sigma_ele_S_cm"]` has a mean, a standard deviation, the kind of evidence and the
number of samples. Conductivities come from a nested model of the library's values (`nested`,
`fitting`), limits from their sources and tolerance (`limits`), the allowance past a limit and the
reaction limit from what coatings have endured (`endured`). docs/evidence.md explains them.
"""

from muli.candidates.evidence.distributions import Evidence, evidence, of
from muli.candidates.evidence.endured import allowances, own_allowance, own_reaction_limit
from muli.candidates.evidence.endured import reaction_limit as reaction_limits
from muli.candidates.evidence.priors import priors

__all__ = [
    "Evidence",
    "allowances",
    "evidence",
    "of",
    "own_allowance",
    "own_reaction_limit",
    "priors",
    "reaction_limits",
]
