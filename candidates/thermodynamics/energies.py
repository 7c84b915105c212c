"""A table of computed formation energies, and the chemical systems cut out of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from muli.candidates.formula import Composition, parse, reduced_formula
from muli.candidates.thermodynamics.program import Floats


@dataclass(frozen=True)
class Energies:
    """Formation energies, one row per compound (its lowest polymorph), elements at zero.

    `formulas`: reduced formulas. `formation_energy`: (n,) eV/atom from the elements.
    `provenance`: where the numbers come from (source, functional, correction, ...), as text.
    `left_out`: compounds of the source whose energies could not be read, with their elements
    (none where the formula could not be read either); the hulls of those elements are incomplete.
    """

    formulas: tuple[str, ...]
    formation_energy: Floats
    provenance: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Iterable[tuple[str, float]],
        provenance: Mapping[str, str] | None = None,
        left_out: Mapping[str, frozenset[str]] | None = None,
    ) -> "Energies":
        """From (formula, eV/atom) pairs; of several polymorphs the lowest stays."""
        lowest: dict[str, float] = {}
        for formula, energy in rows:
            name = reduced_formula(formula)
            lowest[name] = min(energy, lowest.get(name, np.inf))
        values = np.fromiter(lowest.values(), float)
        return cls(tuple(lowest), values, provenance or {}, left_out or {})

    def subset(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Energies":
        """Only these rows: indices or a mask (n,)."""
        kept = np.arange(len(self.formulas))[rows]
        formulas = tuple(self.formulas[row] for row in kept)
        return Energies(formulas, self.formation_energy[kept], self.provenance, self.left_out)

    @property
    def elements(self) -> Set[str]:
        """Every element that occurs in the table."""
        return self._column.keys()

    def find(self, formula: str) -> int | None:
        """Row of the compound, for any spelling of its formula; None where absent."""
        return self._row.get(reduced_formula(formula))

    def compounds(self, elements: Set[str], having: str | None = None) -> Iterator[str]:
        """Formulas of two or more of these elements; with `having`, those that hold this one."""
        for size in range(2, len(elements) + 1):
            for subset in combinations(sorted(elements), size):
                if having is None or having in subset:
                    yield from (self.formulas[row] for row in self._rows_of(subset))

    def system(self, elements: Collection[str]) -> "System":
        """Every compound made of these elements only, and the elements themselves."""
        names = sorted(elements)
        sizes = range(2, len(names) + 1)
        subsets = chain.from_iterable(combinations(names, size) for size in sizes)
        rows = [row for subset in subsets for row in self._rows_of(subset)]
        known = [name in self._column for name in names]
        columns = [self._column[name] for name in names if name in self._column]
        A = np.zeros((len(names), len(rows)))
        A[known] = self._fractions[np.ix_(rows, columns)].T
        return System(
            tuple(names),
            tuple(self.formulas[row] for row in rows)
            + tuple(reduced_formula({name: 1}) for name in names),
            np.hstack([A, np.eye(len(names))]),
            np.concatenate([self.formation_energy[rows], np.zeros(len(names))]),
        )

    def _rows_of(self, elements: Iterable[str]) -> Sequence[int]:
        return self._by_elements.get(frozenset(elements), ())

    @cached_property
    def _row(self) -> dict[str, int]:
        return {formula: row for row, formula in enumerate(self.formulas)}

    @cached_property
    def _column(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(sorted(set().union(*self._by_elements)))}

    @cached_property
    def _compositions(self) -> list[dict[str, float]]:
        return [parse(formula) for formula in self.formulas]

    @cached_property
    def _by_elements(self) -> dict[frozenset[str], list[int]]:
        rows: dict[frozenset[str], list[int]] = {}
        for row, composition in enumerate(self._compositions):
            rows.setdefault(frozenset(composition), []).append(row)
        return rows

    @cached_property
    def _fractions(self) -> Floats:
        fractions = np.zeros((len(self.formulas), len(self._column)))
        for row, composition in enumerate(self._compositions):
            atoms = sum(composition.values())
            for symbol, amount in composition.items():
                fractions[row, self._column[symbol]] = amount / atoms
        return fractions


@dataclass(frozen=True)
class System:
    """The phases of one chemical system as columns of linear programs.

    `A` (m, n): fraction of element i in phase j; `energy` (n,) eV per atom. Where the system is
    open to lithium, its row is gone, fractions and energies (then grand potentials) count per
    non-lithium atom, and `potential` is that of the reservoir, V vs Li/Li+.
    """

    elements: tuple[str, ...]
    phases: tuple[str, ...]
    A: Floats
    energy: Floats
    potential: float | None = None

    def fractions(self, composition: Composition) -> Floats:
        """(m,) fractions of the elements that are conserved, summing to one."""
        amounts = np.array([composition.get(name, 0.0) for name in self.elements])
        return amounts / amounts.sum()

    def energy_of(self, composition: Composition, energy: float) -> float:
        """Energy of a phase of this composition and formation energy (eV/atom) in this system."""
        if self.potential is None:
            return energy
        lithium = composition.get("Li", 0.0) / sum(composition.values())
        return (energy + self.potential * lithium) / (1.0 - lithium)

    def open(self, potential: float) -> "System":
        """The same phases exchanging lithium with a reservoir at `potential`, V vs Li/Li+.

        The grand potential E - mu_Li n_Li with mu_Li = -potential, per non-lithium atom.
        """
        row = self.elements.index("Li")
        lithium = self.A[row]
        kept = lithium < 1.0
        others = np.delete(self.A[:, kept], row, axis=0)
        rest = 1.0 - lithium[kept]
        return System(
            self.elements[:row] + self.elements[row + 1 :],
            tuple(phase for phase, keep in zip(self.phases, kept, strict=True) if keep),
            others / rest,
            (self.energy[kept] + potential * lithium[kept]) / rest,
            potential,
        )
