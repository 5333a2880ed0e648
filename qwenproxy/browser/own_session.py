"""How to start a program that Ctrl-C in our terminal does not reach: it is for the server, which ends the others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

OUT_OF_REACH: dict[str, Any] = (  # for subprocess
    {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if sys.platform == "win32" else {"start_new_session": True}
)
