"""Numbers of the chunks that a run has still to compute, without a list of all of them."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import overload


class Missing(Sequence[int]):
    """Members of a range without some of them, in order. Memory grows with what is left out.

    Missing(range(10), {2, 3, 7})[2:5]      # [4, 5, 6]
    """

    def __init__(self, chunks: range, kept: Collection[int]) -> None:
        places = sorted(chunks.index(chunk) for chunk in kept if chunk in chunks)
        starts = [0, *(place + 1 for place in places)]
        stops = [*places, len(chunks)]
        self._runs = [chunks[a:b] for a, b in zip(starts, stops, strict=True) if a < b]
        self._ends = list(accumulate(len(run) for run in self._runs))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        run = bisect_right(self._ends, place)
        return self._runs[run][place - (self._ends[run - 1] if run else 0)]
