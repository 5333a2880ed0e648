"""Steps that ask nothing of a model: the page, the login, models, settings, quota, an error, a renewal, deletion."""

from __future__ import annotations

import re
import uuid

from qwenproxy.browser.tokens import token_claims, token_expiry
from qwenproxy.errors import ChatGone, ProxyError
from qwenproxy.probe import forms
from qwenproxy.probe.names import shown, shown_model
from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.shapes import compare, shape_of
from qwenproxy.probe.visit import NotTried, Visit, head_facts, note_refusal, said
from qwenproxy.texts import Phrase
from qwenproxy.upstream import calls, refusals
from qwenproxy.upstream.bodies import object_in
from qwenproxy.upstream.models import FALLBACK, Catalogue, Model, parse_models
from qwenproxy.upstream.quota import FEATURES

_BUNDLE = re.compile(r"/qwen-chat-fe/(\d{1,4}(?:\.\d{1,4}){1,3})/")
GONE = 404
_LATE = 60.0  # seconds by which a token may outlive what we know
_LEFT_FOR_SURE = 60.0  # seconds before its end at which a loaded page has always renewed a token


def page(visit: Visit, book: Notebook) -> None:
    """Read the start page as a script would: the version of its bundle stands in the addresses of its scripts."""
    head, text = visit.read_page("/")  # the marks of a firewall's page are in this one, too
    found = _BUNDLE.search(text)
    book.facts["page"] = {"http_status": head.status, "characters": len(text), "bundle": found[1] if found else ""}
    if not found:
        book.changed(Phrase("probe_no_bundle"))
    elif found[1] != forms.NEWEST_BUNDLE:
        book.seen(Phrase("probe_bundle", seen=found[1], known=forms.NEWEST_BUNDLE))


def login(visit: Visit, book: Notebook) -> None:
    """Read the profile and look at the token: its claims and its age."""
    visit.keep_private(object_in(visit.call(book, calls.profile(), forms.PROFILE, "profile")))
    token = visit.page.token
    claims, end = token_claims(token), token_expiry(token)
    left = None if end is None else round(end - visit.means.now())
    book.facts["token"] = {
        "characters": len(token),
        "claims": shape_of(claims, forms.TOKEN_CLAIMS),
        "seconds_left": left,
        "renewable": visit.page.renewable,
    }
    if not token:
        book.changed(Phrase("probe_no_token"))
    elif claims is None:
        book.changed(Phrase("probe_no_jwt"))
    else:
        book.differences(compare(claims, forms.TOKEN_CLAIMS), "token")
        _judge_life(left, book)


def _judge_life(left: int | None, book: Notebook) -> None:
    if left is None:
        return
    if left > forms.TOKEN_LIFE + _LATE:
        book.changed(Phrase("probe_token_life", seen=left, known=round(forms.TOKEN_LIFE)))
    else:
        book.seen(Phrase("probe_token_left", seconds=left))


def models(visit: Visit, book: Notebook) -> None:
    """Read the model list, and choose the model that is asked: without a list, as the product does, one of before."""
    visit.found.models, visit.found.model = FALLBACK.live, _chosen(FALLBACK.live, visit.means.model_name)
    found = parse_models(visit.call(book, calls.list_models(), forms.MODELS, "models"))
    visit.found.models = found
    visit.found.model = _chosen(found, visit.means.model_name)
    kinds = {shown(kind, forms.CHAT_TYPES) for model in found for kind in model.chat_types}
    book.facts["list"] = {
        "read": len(found),
        "ids": [shown_model(model.id) for model in found],
        "chat_types": sorted(kinds),
        "asked": shown_model(visit.model.id),
    }
    book.names(kinds, forms.CHAT_TYPES, "chat_type")
    book.seen(Phrase("probe_models", count=len(found), model=shown_model(visit.model.id)))


def _chosen(found: tuple[Model, ...], name: str) -> Model:
    """Return the model the product would use, if it can show all that is looked at; else the first that can."""
    usual = Catalogue(found).resolve(name) if name else None
    in_order = [usual, *found] if usual else list(found)
    able = [model for model in in_order if model.thinking and not model.always_thinks and model.search]
    return (able or in_order)[0]


def settings(visit: Visit, book: Notebook) -> None:
    """Read the account's settings; change nothing."""
    content = object_in(visit.call(book, calls.account_settings(), forms.SETTINGS, "settings"))
    visit.keep_private(content)
    data = (content or {}).get("data")
    sections = set(data) if isinstance(data, dict) else set()
    missing = [name for name in forms.READ_SECTIONS if name not in sections]
    new = sorted(shown(name, forms.SECTIONS) for name in sections.difference(forms.SECTIONS))
    book.facts["sections"] = {"missing": missing, "new": new}
    if missing and new:  # an account that never changed a setting may lack some; others in their place are a change
        book.changed(Phrase("probe_sections", missing=", ".join(missing), new=", ".join(new)))


def quota(visit: Visit, book: Notebook) -> None:
    """Ask what is left."""
    features = (*FEATURES, "model", visit.model.id)
    visit.call(book, calls.quota(features), forms.QUOTA, "quota", spaced=False)


def refusal(visit: Visit, book: Notebook) -> None:
    """Ask for a chat that nobody has: the form of errors, and where the real status stands."""
    head, body = visit.fetch(calls.get(f"/api/v2/chats/{uuid.uuid4()}"))
    try:
        refusals.check(head, body.text)
    except ProxyError as error:
        note_refusal(book, head, body.text, error)
        book.differences(compare(object_in(body.text), forms.REFUSAL), "error")
        if not isinstance(error, ChatGone):
            book.changed(Phrase("probe_other_refusal", said=said(book, error)))
    else:
        book.facts["answer"] = head_facts(head)
        book.changed(Phrase("probe_no_refusal"))
    status = head_facts(head)["status"]
    if status != GONE:
        book.changed(Phrase("probe_other_status", seen=status, known=GONE))


def renewal(visit: Visit, book: Notebook) -> None:
    """Load the page anew: the login holds, and a token near its end is renewed."""
    before, left = visit.page.token, _left(visit)
    visit.keep_private(before)
    visit.page.renew(visit.page.loads)
    after = visit.page.token
    visit.call(book, calls.profile(), forms.PROFILE, "profile")
    book.facts["renewal"] = {"left_before_s": left, "left_after_s": _left(visit), "is_new": after != before}
    if after == before and left is not None and left < _LEFT_FOR_SURE and visit.page.renewable:
        book.changed(Phrase("probe_unrenewed", seconds=left))
    elif after != before:
        _judge_life(_left(visit), book)
    else:
        book.seen(Phrase("probe_same_token"))


def _left(visit: Visit) -> int | None:
    end = token_expiry(visit.page.token)
    return None if end is None else round(end - visit.means.now())


def deletion(visit: Visit, book: Notebook) -> None:
    """Delete the chats that the probe made, and look whether the first one is gone."""
    if not visit.chats:
        raise NotTried(Phrase("probe_no_chats"))
    first = visit.chats[0]
    for chat_id in list(visit.chats):
        try:
            visit.call(book, calls.delete_chat(chat_id), forms.DONE, "deletion")
        except ChatGone:
            book.seen(Phrase("probe_gone_already"))
        visit.chats.remove(chat_id)
        visit.means.note_deleted(chat_id)
        visit.means.pause(0.2 if visit.means.pace else 0.0)
    try:
        visit.call(Notebook(), calls.get(f"/api/v2/chats/{first}"), "any", "chat")
    except ChatGone:
        return
    except ProxyError as error:
        book.seen(Phrase("probe_other_refusal", said=type(error).__name__))
        return
    book.changed(Phrase("probe_not_gone"))
