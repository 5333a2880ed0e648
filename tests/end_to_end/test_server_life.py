"""How a server starts, refuses to start, and ends; and that nothing of it stays behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from asking import COMPLETIONS, ask, streaming
from proxy_process import Proxy, assert_nothing_left, environment, eventually, runs

from qwenproxy.access.keys import KeyFile
from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser

ENDLESS = "{{stream chunks=100000 interval_ms=20}}"


def start_refused(session_dir: Path, **settings: object) -> tuple[int, str]:
    """Start a server that cannot come up; return its exit status and the one line it says."""
    told = environment(**{"session_dir": session_dir, "port": 0, "no_menu": 1, "lang": "en", **settings})
    done = subprocess.run(
        [sys.executable, "-m", "qwenproxy", "start"], env=told, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    [line] = done.stderr.strip().splitlines()
    return done.returncode, line


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_running_answer_is_finished_before_the_end(
    new_proxy: Callable[..., Proxy], site: Sandbox, sent: signal.Signals
) -> None:
    proxy = new_proxy()
    proxy.start()
    with streaming(proxy.url, "{{stream chunks=30 interval_ms=50}}") as answer:
        answer.until_text()
        assert len(proxy.family()) > 4, "server, worker, Chrome and its driver are not all found"
        # a terminal sends Ctrl-C and its own closing to every process of the job
        job = psutil.Process(proxy.pid)
        for process in [job, *(child for child in job.children() if "python" in child.name())]:
            if sent != signal.SIGTERM or process == job:
                process.send_signal(sent)
        reply = answer.rest()
    assert reply.text.split()[-1].startswith("chunk-029")
    assert reply.done
    assert proxy.wait() == 0
    assert_nothing_left(proxy)


def test_killed_servers_leave_nothing_that_a_new_one_could_not_mend(
    new_proxy: Callable[..., Proxy], site: Sandbox
) -> None:
    proxy = new_proxy()
    proxy.start()
    with streaming(proxy.url, ENDLESS) as answer, pytest.raises(httpx.RemoteProtocolError):
        answer.until_text()
        chrome, driver = proxy.browser("sandbox1")
        orphans = [chrome, driver, *chrome.children(recursive=True)]
        for process in [psutil.Process(proxy.pid), *psutil.Process(proxy.pid).children()]:
            process.kill()
        answer.rest()
    assert proxy.wait() == -signal.SIGKILL
    assert eventually(lambda: not any(map(runs, orphans))), "the killed server's browser still runs"
    proxy.start()
    assert ask(proxy.url, "{{say Risen.}}").text == "Risen."
    site.wait_idle(15)

    # only the process that a person sees and kills: the one below it must not live on
    psutil.Process(proxy.pid).kill()
    assert proxy.wait() == -signal.SIGKILL
    assert_nothing_left(proxy)


def test_every_account_invalid_ends_it(new_proxy: Callable[..., Proxy], site: Sandbox) -> None:
    proxy = new_proxy(on_no_accounts="exit", lang="en")
    proxy.start()
    site.add_fault(Fault("unauthorized", times=None))
    refused = ask(proxy.url, "{{say never}}")
    assert (refused.status, refused.error["code"]) == (503, "no_accounts")
    assert proxy.wait() == 3, proxy.log()
    assert "stopping. Run: qwenproxy account relogin" in proxy.log()
    assert_nothing_left(proxy)
    assert start_refused(proxy.session_dir)[0] == 3


def test_a_second_server_on_the_same_folder(proxy: Proxy) -> None:
    status, line = start_refused(proxy.session_dir)
    assert status == 1
    assert str(proxy.pid) in line
    assert ask(proxy.url, "{{say Undisturbed.}}").text == "Undisturbed."


def test_a_taken_port(new_proxy: Callable[..., Proxy]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, line = start_refused(new_proxy().session_dir, port=port)
    assert status == 1
    assert str(port) in line


def test_no_browser(tmp_path: Path, new_proxy: Callable[..., Proxy]) -> None:
    status, line = start_refused(new_proxy().session_dir, chrome=tmp_path / "no-such-browser")
    assert status == 1
    assert "QWENPROXY_CHROME" in line


def test_an_unknown_setting(tmp_path: Path) -> None:
    status, line = start_refused(tmp_path / "session", prot=80)
    assert status == 2
    assert "QWENPROXY_PROT" in line
    assert not (tmp_path / "session").exists()


def test_no_account(tmp_path: Path) -> None:
    status, line = start_refused(tmp_path / "session")
    assert status == 3
    assert "qwenproxy account add" in line


def test_secrets_stay_out_of_the_log(proxy: Proxy, site: Sandbox, only_account: str) -> None:
    words, key, wrong_key = (uuid.uuid4().hex for _ in range(3))
    keys = KeyFile.open(proxy.session_dir / "Authorization.txt")
    keys.add(key)
    try:
        headers = {"authorization": f"Bearer {key}"}
        question = {"messages": [{"role": "user", "content": f"{words} {{{{say {words}}}}}"}]}
        with httpx.Client(base_url=proxy.url, headers=headers, timeout=60) as client:
            assert words in client.post(COMPLETIONS, json=question).text
            assert words in client.post(COMPLETIONS, json={**question, "stream": True}).text
            for fault in ("cut_before_end", "internal_error_frame", "bad_request", "captcha", "moderation"):
                site.add_fault(Fault(fault))
                client.post(COMPLETIONS, json={**question, "stream": True})
            for spoilt in ({**question, "model": words}, {**question, "n": words}, {"messages": words}, {words: words}):
                client.post(COMPLETIONS, json=spoilt)
            assert client.post(COMPLETIONS, content=json.dumps(words)[:-1]).status_code in (400, 415)
            assert client.get("/v1/models", headers={"authorization": f"Bearer {wrong_key}"}).status_code == 401
    finally:
        keys.remove(key)
    log = proxy.log()
    assert "POST /v1/chat/completions 200" in log
    cookies = {request.headers.get("cookie", "") for request in site.requests}
    values = {one.partition("=")[2] for cookie in cookies for one in cookie.split("; ")}
    secrets = {words, key, wrong_key, *(account.token for account in site.accounts)}
    secrets |= {value for value in values if len(value) > 20}
    assert [secret for secret in secrets if secret in log] == []
