"""The stand-in of the site: everything qwenproxy needs of it, on loopback, with faults on demand.

Only the command line and the tests import it. It knows the site's protocol and nothing of the proxy.

One room per subject: `accounts`, `pages`, `model`, `chats`, `files`, `faults`. What a room remembers stands below
`state.py`, which gathers it; the room's routes stand above and read it there. `gate.py` and `app.py` put the routes
together, `server.py` serves them, `site.py` is the whole. The order is checked in tests/house/test_layers.py.
"""

from qwenproxy.sandbox.accounts.account import SandboxAccount
from qwenproxy.sandbox.chats.generations import Running
from qwenproxy.sandbox.faults.fault import Fault
from qwenproxy.sandbox.files.file import StoredFile
from qwenproxy.sandbox.journal import Recorded, Refresh
from qwenproxy.sandbox.model.brain import Brain
from qwenproxy.sandbox.site import Sandbox
from qwenproxy.sandbox.switches import Switches

__all__ = ["Brain", "Fault", "Recorded", "Refresh", "Running", "Sandbox", "SandboxAccount", "StoredFile", "Switches"]
