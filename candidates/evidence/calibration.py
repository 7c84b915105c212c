"""How well the model predicts a material that it has not seen: leave one material out.

The spreads are kept; the effects are fitted again without the material's rows, and its values are
compared with the predictive distribution (reading error included). The score of a bound is the
probability of a value below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_ndtr, ndtr

from muli.candidates.evidence.chemistry import GROUPS, Chemistry
from muli.candidates.evidence.fitting import fit
from muli.candidates.evidence.nested import Fit, Spreads
from muli.candidates.evidence.observations import Observation


@dataclass(frozen=True)
class Score:
    """Coverage and log score of predictions.

    Attributes:
        values, bounds, materials: what was predicted.
        inside_50, inside_90: share of values inside the central 50 and 90 % intervals.
        log_score: mean log density of the values (per decade) and log probability of the bounds.
    """

    values: int
    bounds: int
    materials: int
    inside_50: float
    inside_90: float
    log_score: float


def leave_one_out(
    observations: Sequence[Observation], spreads: Spreads, role: str = "coating"
) -> Score:
    """Predict every material of a role from the others."""
    wanted = dict.fromkeys(
        observation.material for observation in observations if _role(observation) == role
    )
    predicted = []
    for material in wanted:
        rest = [observation for observation in observations if observation.material != material]
        predicted += _predictions(
            fit(rest, spreads),
            [observation for observation in observations if observation.material == material],
        )
    return _score(predicted)


def other_form(observations: Sequence[Observation], spreads: Spreads) -> Score:
    """Predict the values of a material's films from its crystals, and the reverse."""
    predicted = []
    for material in dict.fromkeys(observation.material for observation in observations):
        own = [observation for observation in observations if observation.material == material]
        for crystal in (0.0, 1.0):
            left_out = [
                observation
                for observation in own
                if observation.crystal == crystal and not observation.bound
            ]
            if not left_out or len(left_out) == len(own) or _role(own[0]) != "coating":
                continue
            rest = [observation for observation in observations if observation not in left_out]
            predicted += _predictions(fit(rest, spreads), left_out)
    return _score(predicted)


def one_prior(observations: Sequence[Observation]) -> list[Observation]:
    """The same observations with one class per role, as a baseline for the model."""
    plain = {"coating": "insulating lithium oxide", "electrolyte": "other electrolyte"}
    return [
        replace(observation, chemistry=_plain(observation.chemistry, plain[_role(observation)]))
        for observation in observations
    ]


def _plain(group: Chemistry, name: str) -> Chemistry:
    return replace(group, group=name, lithium=True, activity=0.0)


def _role(each: Observation) -> str:
    return GROUPS[each.chemistry.group]


_Prediction = tuple[Observation, float, float]


def _predictions(found: Fit, rows: Sequence[Observation]) -> list[_Prediction]:
    predicted = []
    for row in rows:
        normal = found.predict(row.material, row.chemistry, row.crystal)
        predicted.append((row, normal.mean, float(np.hypot(normal.sd, row.error))))
    return predicted


def _score(predicted: Sequence[_Prediction]) -> Score:
    values = [prediction for prediction in predicted if not prediction[0].bound]
    z = np.array([(row.log10_value - mean) / sd for row, mean, sd in predicted])
    sds = np.array([sd for _, _, sd in predicted])
    bound = np.array([row.bound for row, _, _ in predicted])
    rank = ndtr(z[~bound])
    density = -0.5 * z**2 - np.log(sds * np.sqrt(2.0 * np.pi))
    return Score(
        values=len(values),
        bounds=int(bound.sum()),
        materials=len({row.material for row, _, _ in predicted}),
        inside_50=float(np.mean(np.abs(rank - 0.5) < 0.25)),
        inside_90=float(np.mean(np.abs(rank - 0.5) < 0.45)),
        log_score=float(np.mean(np.where(bound, log_ndtr(z), density))),
    )
