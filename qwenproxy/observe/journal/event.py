"""What all events of the journal are."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Its text is a line of the log."""

    level: ClassVar[int] = logging.INFO
