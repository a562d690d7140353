"""Names for JSON as it crosses the wire's door: nothing is known of what is inside.

`Any` stands here for them all; what travels between rooms with a known shape is a dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]
JsonMapping = Mapping[str, Any]
