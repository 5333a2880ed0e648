"""A chat made ahead of need, on a real page: the next conversation uses it, and none stays behind."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import pytest
from asking import ask
from proxy_process import Proxy, eventually
from sandbox_caller import Caller

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

COMPLETIONS = "/api/v2/chat/completions"
WAIT = 30  # seconds


def asked_in(site: Sandbox) -> list[str]:
    return [each.body["chat_id"] for each in site.requests if each.path == COMPLETIONS]


def in_stock(proxy: Proxy) -> list[str]:
    """Return the chats in stock, once there are some."""
    stock = proxy.session_dir / "spare-chats.json"
    assert eventually(stock.exists)
    return [row["chatId"] for row in json.loads(stock.read_text())]


def delete(site: Sandbox, chat_id: str) -> None:
    """Delete a chat as its owner would in another window."""
    owner = next(account for account in site.accounts if chat_id in site.chat_ids(account.id))
    caller = Caller(site, owner)
    assert caller.call("DELETE", f"/api/v2/chats/{chat_id}").status_code == 200
    caller.close()


def say(proxy: Proxy, text: str) -> None:
    assert ask(proxy.url, [{"role": "user", "content": f"{{{{say {text}}}}}"}]).text == text


@pytest.fixture
def there(site: Sandbox) -> Callable[[], set[str]]:
    """Return the chats that the test has brought to the site."""
    before = set(site.chat_ids())
    return lambda: set(site.chat_ids()) - before


def test_the_next_conversation_uses_it(
    site: Sandbox, new_proxy: Callable[..., Proxy], there: Callable[[], set[str]]
) -> None:
    with new_proxy(spare_chats=1) as proxy:
        say(proxy, "one")
        (spare,) = in_stock(proxy)
        say(proxy, "two")
        assert asked_in(site)[1] == spare
        in_stock(proxy)
        assert proxy.end() == 0
    assert there() == set(asked_in(site)), "the chat that nobody used is still there"


def test_a_killed_server_leaves_none(
    site: Sandbox, new_proxy: Callable[..., Proxy], there: Callable[[], set[str]]
) -> None:
    proxy = new_proxy(spare_chats=1)
    with proxy:
        say(proxy, "one")
        (left,) = in_stock(proxy)
        os.killpg(proxy.pid, signal.SIGKILL)  # a master alone would leave its worker time to clean up
        proxy.wait()
    assert left in there()
    with proxy:
        say(proxy, "two")  # opens the account's browser, which deletes what was left
        site.wait_for(lambda site: left not in site.chat_ids(), WAIT)
        assert proxy.end() == 0
    assert there() == set(asked_in(site))


def test_a_chat_that_is_gone_costs_nothing(site: Sandbox, new_proxy: Callable[..., Proxy]) -> None:
    with new_proxy(spare_chats=1) as proxy:
        say(proxy, "one")
        (spare,) = in_stock(proxy)
        delete(site, spare)
        say(proxy, "two")
        assert len(set(asked_in(site))) == 3
