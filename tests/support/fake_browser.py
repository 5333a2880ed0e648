"""Programs in the place of Chrome and chromedriver, which do what a test says."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from qwenproxy.browser.binaries import CHROME_NAMES

LISTEN = f"""#!{sys.executable}
import http.server, json, sys

port = next(int(word.partition("=")[2]) for word in sys.argv if "port=" in word)


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, value = ANSWER
        body = json.dumps({{"value": value}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass
"""
SERVE = """
http.server.ThreadingHTTPServer(("127.0.0.1", port), Answering).serve_forever()
"""
CAPABILITIES = {"sessionId": "s1", "capabilities": {"browserName": "chrome"}}


def program(folder: Path, name: str, code: str) -> str:
    """Write an executable shell script, or with its first line one of another kind; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(code if code.startswith("#!") else f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return str(path)


def listening(folder: Path, name: str, answer: tuple[int, object] = (200, CAPABILITIES), version: str = "") -> str:
    """Write a program that listens on the port it is given, answers each request with status and value; its path.

    `version` is what it prints for --version.
    """
    told = f"\nif '--version' in sys.argv:\n    sys.exit(print('Program {version}'))\n"
    code = LISTEN.replace("port = next", f"{told}port = next") + f"\nANSWER = {answer!r}\n" + SERVE
    return program(folder, name, code)


def refusal(message: str) -> tuple[int, object]:
    """Return a driver's answer that it made no session, for this reason."""
    return 500, {"error": "session not created", "message": message, "stacktrace": "#0 0x55d1 <unknown>"}


def unfit(driver: str, browser: str) -> tuple[int, object]:
    """Return the answer of a driver of one version to a browser of another, as chromedriver words it."""
    return refusal(
        "session not created: cannot connect to chrome at 127.0.0.1:9222\n"
        f"from session not created: This version of ChromeDriver only supports Chrome version {driver}\n"
        f"Current browser version is {browser}"
    )


def chromium() -> str:
    """Return the path of this machine's own browser."""
    return next(path for name in CHROME_NAMES if (path := shutil.which(name)))


def real_driver() -> str:
    """Return the path of its driver."""
    return str(shutil.which("chromedriver"))
