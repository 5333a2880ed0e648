"""A virtual screen, and hands that type and click on it as a person would: for the tests of the login window."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


class Screen:
    """A virtual screen, and hands on its keyboard and mouse."""

    def __init__(self) -> None:
        for program in ("Xvfb", "xdotool"):
            if not shutil.which(program):
                pytest.fail(f"{program} is missing: apt-get install -y xvfb xdotool", pytrace=False)
        told, tell = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(tell), "-screen", "0", "1200x900x24", "-nolisten", "tcp"],
            pass_fds=[tell],
            stderr=subprocess.DEVNULL,
        )
        os.close(tell)
        with os.fdopen(told) as answer:
            self.display = f":{answer.readline().strip()}"

    def close(self) -> None:
        """Switch the screen off."""
        self._server.terminate()
        self._server.wait(10)

    def hands(self, *doing: str) -> str:
        """Let xdotool do something and return what it says."""
        done = subprocess.run(
            ["xdotool", *doing],
            env={**os.environ, "DISPLAY": self.display},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def _window(self, title: str) -> str:
        """Wait for a visible window with that title; return its id."""
        search = ("search", "--sync", "--onlyvisible", "--name", title)
        try:
            return self.hands(*search).split()[-1]
        except subprocess.CalledProcessError:
            # A search fails if a window goes that it is looking at; the right one is still to come.
            return self.hands(*search).split()[-1]

    def turn_to(self, title: str) -> None:
        """Wait for a window with that title and click into its empty lower part."""
        window = self._window(title)
        self.hands("windowfocus", "--sync", window)
        geometry = dict(line.split("=") for line in self.hands("getwindowgeometry", "--shell", window).split())
        across, down = int(geometry["WIDTH"]) // 2, int(geometry["HEIGHT"]) - 40
        self.hands("mousemove", "--window", window, str(across), str(down), "click", "1")

    def log_in(self, email: str, password: str) -> None:
        """Fill the form of the sign-in page."""
        self.turn_to("Sign in")
        self.hands("key", "Tab")
        self.hands("type", "--delay", "15", email)
        self.hands("key", "Tab")
        self.hands("type", "--delay", "15", password)
        self.hands("key", "Return")
