"""The stand-in of the site: everything qwenproxy needs of it, on loopback, with faults on demand.

Only the command line and the tests import it. It knows the site's protocol and nothing of the proxy.
"""

from qwenproxy.sandbox.accounts import SandboxAccount
from qwenproxy.sandbox.faults import Fault
from qwenproxy.sandbox.generations import Running
from qwenproxy.sandbox.journal import Recorded, Refresh
from qwenproxy.sandbox.site import Sandbox
from qwenproxy.sandbox.stored_files import StoredFile
from qwenproxy.sandbox.switches import Switches

__all__ = ["Fault", "Recorded", "Refresh", "Running", "Sandbox", "SandboxAccount", "StoredFile", "Switches"]
