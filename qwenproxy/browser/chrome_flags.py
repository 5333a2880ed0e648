"""The command line of a Chrome of ours, and the hosts that Chrome itself calls without a page's asking.

Used by local.py. Starts nothing and knows no account.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from qwenproxy.browser.display import FLAGS as WINDOW_FLAGS
from qwenproxy.browser.display import Screen

log = logging.getLogger(__name__)

FEATURES_OFF = (
    "OptimizationHints",
    "MediaRouter",
    "Translate",
    "InterestFeedContentSuggestions",
    "AutofillServerCommunication",
    # Renderers beside the page's own, 10 to 40 MB each: for the address bar, and in reserve for another tab.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
)
FEATURES_ON = ("NetworkServiceInProcess2",)  # one process less saves 18 MB
# Keep Chrome from calling home and from throttling a hidden tab.
FLAGS = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-default-apps",
    "--disable-breakpad",
    "--metrics-recording-only",
    "--no-pings",
    "--no-service-autorun",
    "--password-store=basic",
    "--use-mock-keychain",
    "--disable-features=" + ",".join(FEATURES_OFF),
    "--enable-features=" + ",".join(FEATURES_ON),
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)

# What Chrome asks for by itself in spite of these flags, seen in its network log. Hosts of pages are not listed: the
# site's scripts and its human check come from hosts that change.
_OWN_HOSTS = re.compile(
    r"(update|clientservices|content-autofill|optimizationguide-pa|safebrowsing|safebrowsingohttpgateway"
    r"|passwordsleakcheck-pa|chromewebstore)\.googleapis\.com"
    r"|clients\d?\.google\.com|dl\.google\.com|mtalk\.google\.com|android\.clients\.google\.com|(.+\.)?gvt1\.com"
)
# Chrome looks there for its own user. In a login window a person may, too: sign-in by Google begins there.
_SIGN_IN_HOST = "accounts.google.com"


LOOPBACK_TOO = "<-loopback>"  # without it Chrome goes to its own machine's addresses past a proxy
CALLS_BY_PROXY = "--webrtc-ip-handling-policy=disable_non_proxied_udp"  # without it calls go past a proxy


@dataclass(frozen=True, slots=True)
class Wishes:
    """What differs between browsers.

    `screen` is where its windows are. `spki` is the base64 SHA-256 of the only self-signed key that Chrome accepts, ""
    for none. `proxy` is the address of a proxy without a password, "" for none. `shared`: parts of the browser may have
    proxies of their own.
    """

    screen: Screen = "none"
    spki: str = ""
    proxy: str = ""
    shared: bool = False


def command(chrome: str, profile: Path, devtools: int, wishes: Wishes) -> list[str]:
    """Return the command line of Chrome on a profile; `devtools` is the port for its driver."""
    flags = [*flags_for(wishes), f"--user-data-dir={profile.resolve()}", f"--remote-debugging-port={devtools}"]
    if _is_root():
        log.info("running as root: Chrome starts with --no-sandbox, which it needs there")
        flags.append("--no-sandbox")
    return [chrome, *flags, "about:blank"]


def flags_for(wishes: Wishes) -> list[str]:
    """Return Chrome's flags on any machine."""
    flags = list(FLAGS)
    if wishes.screen == "none":
        flags.append("--headless=new")
    if wishes.screen == "virtual":
        flags += WINDOW_FLAGS
    if wishes.spki:
        flags.append(f"--ignore-certificate-errors-spki-list={wishes.spki}")
    if wishes.proxy:
        flags += proxy_flags(wishes.proxy)
    elif wishes.shared:
        flags.append(CALLS_BY_PROXY)
    return flags


def proxy_flags(proxy: str) -> list[str]:
    """Return the flags that send all of Chrome's traffic through a proxy without a password."""
    return [f"--proxy-server={proxy}", f"--proxy-bypass-list={LOOPBACK_TOO}", CALLS_BY_PROXY]


def is_chromes_own(host: str) -> bool:
    """Tell whether a host serves Chrome itself, and no page of the site."""
    return host.lower() == _SIGN_IN_HOST or is_chromes_service(host)


def is_chromes_service(host: str) -> bool:
    """Tell the same, but let a person's sign-in by Google pass."""
    return _OWN_HOSTS.fullmatch(host.lower()) is not None


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
