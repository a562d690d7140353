"""What the environment says of the way to the server, for errors: proxies, certificates."""

from __future__ import annotations

import os
import re
from pathlib import Path

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_USER = re.compile(r"//[^/@]*@")


def environment_advice(url: str) -> str:
    """Return the variables that decide how an address is reached, with their values; or nothing.

    A name and password in a proxy's address are left out; a certificate's path is told only where
    nothing is there.

    Args:
        url: The address that was not reached.
    """
    scheme = url.partition(":")[0]
    proxies = [f"{scheme}_proxy", "all_proxy"]
    names = [name for name in os.environ if name.lower() in proxies]
    if names:
        names += [name for name in os.environ if name.lower() == "no_proxy"]
    told = [f"{name}={_USER.sub('//', os.environ[name])}" for name in names if os.environ[name]]
    told += [
        f"{name}={path}, where nothing is"
        for name in _CERTIFICATES
        if (path := os.environ.get(name)) and not Path(path).exists()
    ]
    return f"The environment says {', '.join(told)}: check it." if told else ""
