"""Steps about files and pictures: a document is stored, read and asked about; one is painted (protocol 7 and 8.1)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from qwenproxy.chat.works import Work
from qwenproxy.errors import ProxyError
from qwenproxy.probe import forms
from qwenproxy.probe.listening import Manner
from qwenproxy.probe.names import shown
from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.visit import NotTried, Visit
from qwenproxy.texts import Phrase
from qwenproxy.upstream import calls, files
from qwenproxy.upstream.bodies import object_in
from qwenproxy.upstream.files import SiteFile, UploadCredentials

NAME = "probe.txt"
CONTENT = b"The word of this file is lantern. It was written to see whether the site reads files.\n"
_TYPE = "text/plain"
_POLLS = 30  # questions whether the site has read the file
_POLL_PAUSE = 1.0  # seconds
_PAINT_WAIT = 240.0  # seconds
_EXPIRES = re.compile(r"[?&]x-oss-expires=(\d{1,6})")
_SIGNED_FOR = 300
_MEDIA_HOST = "cdn.qwenlm.ai"


def upload(visit: Visit, book: Notebook) -> None:
    """Ask for credentials, store a small text file, and have the site read it."""
    if not visit.model.document:
        raise NotTried(Phrase("probe_unable", what="document"))
    request = files.request_credentials(NAME, len(CONTENT), "file")
    credentials = files.credentials_object(visit.call(book, request, forms.CREDENTIALS, "credentials"))
    visit.keep_private(credentials)
    ticket = files.parse_credentials(credentials)
    _judge_signature(ticket, book)
    try:
        visit.means.put(ticket, _TYPE, CONTENT)
    except ProxyError as error:
        book.changed(Phrase("probe_store_refuses", error=type(error).__name__))
        return
    visit.call(book, files.begin_parsing(ticket.file_id), forms.PARSING, "parse", spaced=False)
    state = _await_reading(visit, book, ticket.file_id)
    if state != "success":
        book.changed(Phrase("probe_unread", state=state))
        return
    user_id = ticket.file_path.partition("/")[0]
    stored = SiteFile(
        *("", ticket.file_id, ticket.file_url, user_id, NAME, len(CONTENT), _TYPE, "file"),
        uploaded_at=visit.means.now(),
        parsed=True,
    )
    visit.found.file = files.entry(stored, visit.means.now())


def _judge_signature(ticket: UploadCredentials, book: Notebook) -> None:
    found = _EXPIRES.search(ticket.file_url)
    book.facts["signature"] = {
        "expires_s": int(found[1]) if found else None,
        "is_v4": "OSS4-HMAC-SHA256" in ticket.file_url,
        "endpoint_has_scheme": "://" in ticket.endpoint,
    }
    if found and int(found[1]) != _SIGNED_FOR:
        book.changed(Phrase("probe_signed_for", seen=int(found[1]), known=_SIGNED_FOR))


def _await_reading(visit: Visit, book: Notebook, file_id: str) -> str:
    """Ask until the site has read the file, at the product's own pace; return the last state."""
    states: list[str] = []
    for _ in range(_POLLS):
        body = visit.call(book, files.ask_parsing(file_id), forms.PARSE_STATUS, "parse status", spaced=False)
        states.append(_state_in(body))
        state = files.parsing_status(body, file_id)
        if state != "pending":
            break
        visit.means.pause(_POLL_PAUSE if visit.means.pace else 0.05)
    book.facts["parse states"] = list(dict.fromkeys(states))
    book.names(filter(None, states), forms.PARSE_STATES, "parse_status")
    return state


def _state_in(body: str) -> str:
    data = (object_in(body) or {}).get("data")
    row = data[0] if isinstance(data, list) and data else data
    status = row.get("status") if isinstance(row, dict) else None
    return shown(status, forms.PARSE_STATES) if isinstance(status, str) else ""


def document(visit: Visit, book: Notebook) -> None:
    """Ask about the file."""
    if visit.found.file is None:
        raise NotTried(Phrase("probe_needs", step=Phrase("probe_step_upload")))
    question = calls.Question(
        visit.model.id,
        "Which word does the attached file name? Answer with that word alone.",
        parent_id=visit.parent(),
        thinking=visit.model.always_thinks,
        files=(visit.found.file,),
    )
    chat_id = visit.chat()
    heard = visit.ask(book, calls.completion(chat_id, question), chat_id)
    visit.note_answer(heard.response_id)
    if not heard.text:
        book.changed(Phrase("probe_no_text"))


def picture(visit: Visit, book: Notebook) -> None:
    """Have one small picture painted."""
    work = Work("t2i", "1:1")
    model = next((each for each in visit.found.models if work.kind in each.chat_types), None)
    if model is None:
        raise NotTried(Phrase("probe_unable", what="t2i"))
    chat_id = visit.new_chat(book, calls.new_chat(model.id, chat_type=work.kind), forms.NEW_CHAT)
    question = calls.Question(model.id, "A plain grey circle on white.", work=work)
    heard = visit.ask(book, calls.completion(chat_id, question), chat_id, Manner(wait=_PAINT_WAIT))
    if not heard.images:
        book.changed(Phrase("probe_no_picture"))
        return
    image = heard.images[0]
    book.facts["picture"] = {
        "known_host": urlsplit(image.url).hostname == _MEDIA_HOST,
        "has_key": "key=" in image.url,
        "width": image.width,
        "height": image.height,
    }
    book.seen(Phrase("probe_picture", width=image.width, height=image.height))
