"""The way out of a browser or an upload with a proxy: a listener on loopback passes on to it, with its password.

Chrome takes no password for a proxy on its command line, so it talks to `Forwarder`, and that to the proxy.
"""

from qwenproxy.browser.forwarding.dialing import Dialer, ProxyFailure
from qwenproxy.browser.forwarding.forwarder import Forwarder, lets_pass

__all__ = ["Dialer", "Forwarder", "ProxyFailure", "lets_pass"]
