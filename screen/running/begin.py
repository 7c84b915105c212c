"""Many machines: chunks computed by Dask workers, published by the run that holds the folder.

`clusters` starts or finds workers, `work` is what they receive, `workers` hands out chunks.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from muli.candidates.environment import install_command
from muli.screen.errors import UsageError

if TYPE_CHECKING:
    from muli.screen.running.clusters import Start


def begun(where: str, device: str) -> AbstractContextManager["Start"]:
    """`muli.screen.running.clusters.begun`; raises `UsageError` where Dask is not installed."""
    try:
        from muli.screen.running import clusters
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--dask needs the extra dask ({error}): {install_command('dask')}"
        ) from None
    return clusters.begun(where, device)
