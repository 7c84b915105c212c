"""Which devices compute, how much at a time, and what fits into the memory allowed."""

import os
from dataclasses import dataclass
from typing import Any, Literal

import jax

from muli.screen.errors import DeviceError
from muli.screen.space.draws import BLOCK_OF_DRAWS, Draws
from muli.screen.space.layout import DesignSpace

DeviceName = Literal["auto", "cpu", "gpu"]
BYTES_PER_ROW = {"best": 24, "all": 220, "feasible": 220}
"""About what one row of a tile needs while it is computed and stored, in float32."""
BYTES_PER_POINT = 130
"""What one point of `[uncertainty]` needs for every block of thicknesses, in float32: branch laws;
constant ones need half of it."""


@dataclass(frozen=True)
class Plan:
    """Devices, tiles computed at a time on one of them, and chunks computed at a time."""

    devices: list[Any]
    tiles_per_call: int
    workers: int

    @property
    def kind(self) -> str:
        """cpu or gpu."""
        return str(self.devices[0].platform)


def devices(name: DeviceName) -> list[Any]:
    """All local devices of a kind; `auto` is a GPU where there is one. Raises `DeviceError`."""
    if name == "auto":
        return list(jax.local_devices())
    try:
        return list(jax.local_devices(backend=name))
    except RuntimeError:
        raise DeviceError(
            f"no {name} here: JAX sees only {', '.join(_kinds())}; "
            "install the extra cuda12 or cuda13, or use --device auto"
        ) from None


def _kinds() -> list[str]:
    return sorted({device.platform for device in jax.local_devices()})


def plan(
    space: DesignSpace,
    mode: str,
    precision: str,
    device: DeviceName,
    batch: int | None,
    max_memory: int | None,
    draws: Draws | None = None,
) -> Plan:
    """Choose what sets the speed; none of it changes a byte of the result.

    batch: stacks computed at a time on a device, at least one tile. max_memory: bytes for all that
    is computed at a time. draws: of uncertain properties, for every line of a tile.
    """
    chosen = devices(device)
    tile = space.lines_per_tile * space.rows_per_line
    default = 8 * tile if chosen[0].platform == "gpu" else tile
    tiles = max(1, (batch or default) // tile)
    workers = max(min(4, 1 + (os.cpu_count() or 1)), len(chosen))
    if max_memory is not None:
        needed = tile_bytes(space, mode, precision, draws)
        affordable = max_memory // needed
        if affordable < 1:
            fewer = "fewer draws" if draws else "a coating_thickness_nm axis with fewer points"
            raise DeviceError(
                f"one tile of {tile:,} stacks needs about {needed / 2**20:.0f} MiB, "
                f"--max-memory allows {max_memory / 2**20:.0f} MiB: allow more, or use {fewer}"
            )
        workers = int(min(workers, affordable))
        tiles = int(max(1, min(tiles, affordable // workers)))
    return Plan(chosen, tiles, workers)


def tile_bytes(space: DesignSpace, mode: str, precision: str, draws: Draws | None) -> int:
    """About how many bytes one tile needs while it is computed."""
    lines = space.lines_per_tile
    size = lines * space.rows_per_line * BYTES_PER_ROW[mode]
    if draws is not None:
        blocks = -(-space.thicknesses // BLOCK_OF_DRAWS)
        size += lines * space.states * blocks * draws.points * BYTES_PER_POINT
    return size * (2 if precision == "float64" else 1)


def describe(chosen: Plan) -> str:
    """A description in one line."""
    count = len(chosen.devices)
    return (
        f"{count} {chosen.kind} device{'s' if count > 1 else ''}, {chosen.workers} chunks at a time"
    )
