"""Ray on this machine alone: bounded, told to call nobody, gone at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import ray

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STORE_BYTES = 100_000_000
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # A token of this run alone: Ray would write one into the home directory.
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}


@contextmanager
def local_ray(environment: Mapping[str, str]) -> Iterator[Path]:
    """Run Ray with two CPUs; only its workers see `environment`, not this process.

    Yields:
        The folder of all that Ray writes, its logs among it.
    """
    # Not pytest's folder: the path of a Unix socket may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    before = dict(os.environ)
    try:
        os.environ.update({**_SETTINGS, **environment})
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(folder),
        )
        for name in environment:
            del os.environ[name]
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield folder
    finally:
        ray.shutdown()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)
