"""A page of the stand-in without a browser: its calls go over HTTP, with the headers that a page would send."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from sandbox_caller import trust

from qwenproxy.browser.page import Head, PageRequest
from qwenproxy.errors import NetworkFailed
from qwenproxy.sandbox import Sandbox, SandboxAccount


class SandboxResponse:
    """An answer under way."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._on_complete: Callable[[], None] = lambda: None

    def head(self, wait: float) -> Head:
        return Head(self._response.status_code, {key.lower(): each for key, each in self._response.headers.items()})

    def iter_text(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            for data in self._response.iter_raw():
                yield decoder.decode(data)
        except httpx.TransportError as error:
            raise NetworkFailed(type(error).__name__) from error
        self._on_complete()

    def when_complete(self, call: Callable[[], None]) -> None:
        self._on_complete = call

    def close(self) -> None:
        self._response.close()


class SandboxTab:
    """A page of one account, as the probe wants it."""

    def __init__(self, site: Sandbox, account: SandboxAccount) -> None:
        self.origin = site.base_url
        self.token = account.token
        self.loads = 0
        self.renewable = True
        self.lost: Exception | None = None  # raised by the next calls
        self._site = site
        self._account = account
        self._http = httpx.Client(http2=True, verify=trust(site), base_url=site.base_url, timeout=30)

    def fetch(self, request: PageRequest) -> SandboxResponse:
        if self.lost is not None:
            raise self.lost
        headers = {**self._site.page_headers(self._account), **request.headers}
        call = self._http.build_request(request.method, request.path, content=request.body, headers=headers)
        try:
            return SandboxResponse(self._http.send(call, stream=True))
        except httpx.TransportError as error:
            raise NetworkFailed(type(error).__name__) from error

    def send(self, request: PageRequest) -> None:
        self.fetch(request).close()

    def renew(self, loads: int, *, suspect: bool = False) -> bool:
        self.loads += 1
        self.token = self._account.renew() or self._account.token
        return True

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> SandboxTab:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
