"""Programs that can use this proxy: what to set for each of them, and how to change their settings files.

`programs/` has one small file per program, `formats/` the syntax of settings files, `change.py` the disk. The command
line stands above and hands in where the server is. Must not know the network, browsers or accounts.
"""

from __future__ import annotations
