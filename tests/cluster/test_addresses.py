"""Schedulers: encrypted for one run alone where they are ours, said in words where they are not."""

import asyncio

import pytest
from distributed import Security
from distributed.core import connect

from muli.screen.errors import UsageError, WorkerError
from muli.screen.running.clusters import begun, local_cluster
from muli.screen.running.workers import _client


def test_nobody_else_can_use_the_processes_of_a_run():
    with local_cluster(0, []) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://127.0.0.1:")

        async def reach(where, **keys):
            comm = await connect(where, timeout=2, **keys)
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()

        own = cluster.security.get_connection_args("client")
        assert asyncio.run(reach(address, **own))["type"] == "Scheduler"
        others = Security.temporary().get_connection_args("client")
        for where, keys in ((address, others), (address.replace("tls:", "tcp:"), {})):
            with pytest.raises(OSError, match=r"TLS|in <|[cC]onnect"):
                asyncio.run(reach(where, **keys))


@pytest.mark.parametrize("where", ["tls://127.0.0.1:8786", "wss://127.0.0.1:8786"])
def test_an_encrypted_address_without_keys_is_refused(where):
    with pytest.raises(UsageError, match="no keys; name them"), begun(where, "cpu"):
        pass


@pytest.mark.parametrize(
    "where", ["tcp://[::1:5", "local:0", "local:-1", "http://x:1", "slurm", ""]
)
def test_an_address_that_is_none_is_refused(where):
    with pytest.raises((UsageError, WorkerError)), begun(where, "cpu") as start:
        _client(start.ready())


def test_a_dead_scheduler_is_said_in_a_line(monkeypatch):
    import dask.config

    with (
        dask.config.set({"distributed.comm.timeouts.connect": 0.5}),
        pytest.raises(WorkerError, match=r"no Dask scheduler answers at tcp") as error,
    ):
        _client("tcp://127.0.0.1:1")
    assert "\n" not in str(error.value)
