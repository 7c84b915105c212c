"""Many machines: chunks computed by Dask workers, published by the run that holds the folder."""

from screen.distributed.clusters import connected
from screen.distributed.order import Work

__all__ = ["Work", "connected"]
