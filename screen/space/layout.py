"""The design space: a lazy product of axes, and how it is cut into lines, tiles and chunks.

Axes run slow to fast: the scenario axes, then `coating`, `cathode_state`, `coating_thickness_nm`.
A *group* is one combination of the scenario axes (a cathode's states apart), a *line* is one
coating in one group: all its numbers but the thickness are scalars, so that materials are
prepared once a line and thicknesses are broadcast over. Row ids count stacks in that order and are
64-bit integers; the product is never made as an array.

Storage chunks and compute tiles are ranges of lines that depend on the space alone, never on
batch size, devices or workers: so results are the same byte for byte for all.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

CHUNK_ROWS = 2**22
"""Most rows a storage chunk may hold, in a space of up to `MANY_CHUNKS` chunks."""

MANY_CHUNKS = 4096
"""Spaces of more chunks have larger ones: every file takes a ranking about a millisecond."""

LEAST_CHUNKS = 32
"""Spaces whose thicknesses are not visited one by one have larger chunks, but as many as these."""

MOST_JOINED = 16
"""How much larger a chunk may be."""

MOST_LINES_JOINED = 2**18
"""Lines of a chunk that is larger: each takes some hundred bytes while it is computed."""

MAX_CHUNKS = 10_000_000
"""Most storage chunks of a run; each is a file, and an entry that the run keeps in memory."""

TILE_ROWS = 2**18
"""About as many rows as one tile of the compiled program has: a tile fits into the cache."""

COUNTED_LINES = 2**15
"""About as many lines as are counted at a time where their thicknesses are not visited."""

TILE_POINTS = 2**20
"""About as many draws of lines as one tile holds where properties are uncertain."""

MOST_JUDGED = 1_000_000
"""Lines of a screen up to which probabilities are computed in every scenario: a minute."""

COATING, STATE, THICKNESS = "coating", "cathode_state", "coating_thickness_nm"


@dataclass(frozen=True)
class Lines:
    """A half-open range of lines."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class DesignSpace:
    """Sizes of all axes. `scenarios` maps a scenario axis to its size, slow to fast.

    points: how often a line is drawn where properties are uncertain. counted: whether few rows are
    kept and thicknesses need not be visited one by one, so that a chunk takes little time.
    """

    scenarios: Mapping[str, int]
    coatings: int
    states: int
    thicknesses: int
    points: int = 0
    counted: bool = False

    def __post_init__(self) -> None:
        if self.states * self.thicknesses > CHUNK_ROWS:
            raise ValueError(
                f"{self.thicknesses} coating thicknesses are more than a chunk holds "
                f"({CHUNK_ROWS // self.states}); use fewer, or split the range over several runs"
            )
        if self.chunks > MAX_CHUNKS:
            longest = sorted(self.sizes.items(), key=lambda item: -item[1])[:3]
            named = ", ".join(f"{name} {size:,}" for name, size in longest)
            raise ValueError(
                f"{self.stacks:.3g} stacks are {self.chunks:.3g} parts, at most {MAX_CHUNKS:,} "
                f"are possible: take fewer points on the longest axes ({named}), or several runs"
            )

    @property
    def groups(self) -> int:
        """Combinations of the scenario axes, a cathode's states not counted."""
        return math.prod(self.scenarios.values())

    @property
    def lines(self) -> int:
        """Groups times coatings."""
        return self.groups * self.coatings

    @property
    def rows_per_line(self) -> int:
        """Stacks of one line: states times thicknesses."""
        return self.states * self.thicknesses

    @property
    def stacks(self) -> int:
        """All stacks of the space."""
        return self.lines * self.rows_per_line

    @property
    def lines_per_chunk(self) -> int:
        """Whole groups where one fits into a chunk, else a part of one group."""
        if not self.lines:
            return 1
        fitting = self._joined * (CHUNK_ROWS // self.rows_per_line)
        if self.coatings <= fitting:
            return min(fitting // self.coatings, self.groups) * self.coatings
        return fitting

    @property
    def _joined(self) -> int:
        """How many chunks of the usual size become one."""
        if self.points:
            return 1
        many = -(-self.stacks // (CHUNK_ROWS * MANY_CHUNKS))
        if self.counted:
            many = max(many, self.stacks // (CHUNK_ROWS * LEAST_CHUNKS))
        most = MOST_LINES_JOINED // (CHUNK_ROWS // self.rows_per_line)
        return max(1, min(many, most, MOST_JOINED))

    @property
    def chunks(self) -> int:
        """Number of storage chunks."""
        if self.lines == 0:
            return 0
        if self.lines_per_chunk >= self.coatings:
            return -(-self.lines // self.lines_per_chunk)
        return self.groups * self._chunks_per_group

    @property
    def _chunks_per_group(self) -> int:
        return -(-self.coatings // self.lines_per_chunk)

    @property
    def lines_per_tile(self) -> int:
        """Lines of the one compiled shape: a chunk in equal shares, none of them mostly empty."""
        fitting = TILE_ROWS / self.rows_per_line
        if self.points:
            fitting = min(fitting, TILE_POINTS / (self.points * self.states))
        return self._share(fitting)

    @property
    def lines_per_count(self) -> int:
        """Lines counted together where their thicknesses are not visited."""
        return self._share(COUNTED_LINES)

    def _share(self, fitting: float) -> int:
        """Lines of a share of a chunk of about so many lines.

        Whole groups where they fit, so that columns of the coating are the same in every tile.
        """
        unit = max(1, self.coatings) if self.coatings <= fitting else 1
        units = -(-self.lines_per_chunk // unit)
        tiles = max(1, round(units / max(1, round(fitting / unit))))
        return -(-units // tiles) * unit

    def chunk(self, index: int) -> Lines:
        """Lines of storage chunk `index`."""
        if not 0 <= index < self.chunks:
            raise IndexError(f"chunk {index} of {self.chunks}")
        size = self.lines_per_chunk
        if size >= self.coatings:
            return Lines(index * size, min((index + 1) * size, self.lines))
        group, part = divmod(index, self._chunks_per_group)
        end = min((part + 1) * size, self.coatings)
        return Lines(group * self.coatings + part * size, group * self.coatings + end)

    @property
    def sizes(self) -> dict[str, int]:
        """Every axis with its size, slow to fast."""
        return {
            **self.scenarios,
            COATING: self.coatings,
            STATE: self.states,
            THICKNESS: self.thicknesses,
        }

    def combination(self, row_id: int) -> dict[str, int]:
        """Position along every axis of one stack."""
        if not 0 <= row_id < self.stacks:
            raise IndexError(f"row {row_id} of {self.stacks}")
        digits: dict[str, int] = {}
        for name, size in reversed(self.sizes.items()):
            row_id, digits[name] = divmod(row_id, size)
        return {name: digits[name] for name in self.sizes}

    def row_id(self, combination: Mapping[str, int]) -> int:
        """The inverse of `combination`."""
        row = 0
        for name, size in self.sizes.items():
            if not 0 <= combination[name] < size:
                raise IndexError(f"{name} {combination[name]} of {size}")
            row = row * size + combination[name]
        return row

    def line_digits(self, line: int) -> dict[str, int]:
        """Position of a line along the scenario axes and `coating`, slow to fast."""
        digits: dict[str, int] = {}
        for name, size in reversed([*self.scenarios.items(), (COATING, self.coatings)]):
            line, digits[name] = divmod(line, size)
        return dict(reversed(digits.items()))
