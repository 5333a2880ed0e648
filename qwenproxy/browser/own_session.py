"""How to start a program that Ctrl-C in our terminal does not reach: it is for the server, which ends the others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

OUT_OF_REACH: dict[str, Any]  # arguments of subprocess
if sys.platform == "win32":
    OUT_OF_REACH = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    OUT_OF_REACH = {"start_new_session": True}
