"""However the network cuts, delays or joins the site's bytes, the client gets the same text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asking import ask, together
from fault_cases import HARMLESS
from proxy_process import Proxy

from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.faults.fault import parse_fault
from qwenproxy.sandbox.model.texts import UNICODE_TEXT

pytestmark = pytest.mark.browser

QUESTION = "{{unicode}}"  # the answer holds every character that is easily broken


@pytest.mark.parametrize("ordered", HARMLESS)
def test_answer_is_the_same(proxy: Proxy, site: Sandbox, ordered: str) -> None:
    site.add_fault(replace(parse_fault(ordered), times=None))
    plain, streamed = together(
        lambda: ask(proxy.url, QUESTION),
        lambda: ask(proxy.url, QUESTION, stream=True),
    )
    assert plain.text == streamed.text == UNICODE_TEXT
    assert streamed.done


def test_answer_is_the_same_byte_by_byte(proxy: Proxy, site: Sandbox) -> None:
    site.add_fault(Fault("byte_by_byte"))
    answer = ask(proxy.url, "{{say Привет 🙂 你好\u2028конец}}", stream=True)
    assert answer.text == "Привет 🙂 你好\u2028конец"
    assert answer.done


def test_long_answer_arrives_whole(proxy: Proxy) -> None:
    answer = ask(proxy.url, "{{long bytes=2000000}}", stream=True)
    lines = answer.text.split("\n")
    assert len(answer.text) == 2_000_000
    assert lines[:-1] == [f"line {number:07d}" for number in range(len(lines) - 1)]
    assert answer.done
