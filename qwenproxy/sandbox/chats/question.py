"""Checks a completions call as severely as the site does, and reads from it what the model gets (protocol 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.accounts.account import SandboxAccount
from qwenproxy.sandbox.chats.chat import Chat, ChatMessage
from qwenproxy.sandbox.chats.local_tools import are_silenced, check_local_tools, seen_features
from qwenproxy.sandbox.envelope import SiteError, bad_request
from qwenproxy.sandbox.faults.fault import Fault, parse_fault
from qwenproxy.sandbox.media.filming import FILMS, check_film
from qwenproxy.sandbox.media.painting import PICTURES, check_picture
from qwenproxy.sandbox.model.cards import ModelCard
from qwenproxy.sandbox.model.conversation import Conversation
from qwenproxy.sandbox.model.directives import Directive, all_directives
from qwenproxy.sandbox.model.script import Prompt
from qwenproxy.sandbox.model.view import read_view
from qwenproxy.sandbox.state import SiteState

_BODY_FIELDS = ("stream", "chat_id", "chat_mode", "model", "messages", "parent_id", "timestamp")
_MESSAGE_FIELDS = (
    *("fid", "role", "content", "user_action", "files", "timestamp", "models"),
    *("chat_type", "sub_chat_type", "feature_config", "extra"),
)
UNNAMED_INPUT = "输入或附件有误"  # the site's words where it names no part of the input


@dataclass(frozen=True, slots=True)
class Question:
    """An accepted call: the chat, the model, the body and its single message.

    `silenced`: the answer stays empty. `fault` is the one that the message orders, `misread` why it cannot be read.
    """

    chat: Chat
    model: ModelCard
    body: dict[str, Any]
    message: dict[str, Any]
    silenced: bool
    fault: Fault | None
    misread: str

    @property
    def features(self) -> dict[str, Any]:
        """The message's feature_config."""
        return _features(self.message)

    def ask(self) -> ChatMessage:
        """Put the message into the chat."""
        return self.chat.add(self.body["parent_id"], {**self.message, "model": self.model.id})

    def prompt(self, user_message: ChatMessage, state: SiteState) -> Prompt:
        """Return what the model sees: texts of the account, then the path of the tree down to the message."""
        context: list[dict[str, Any]] = [{"role": "system", "content": text} for text in self._system_texts(state)]
        for message in self.chat.path_to(user_message):
            files = message.fields.get("files")
            texts = [state.files.text(self.chat.account_id, entry) for entry in files or ()]
            found = [text for text in texts if text is not None]
            context.append({**message.model_view, **({"file_texts": found} if found else {})})
        return Prompt(
            context=context,
            thinking=self._thinking(),
            search=self.message["chat_type"] == "search",
            features=seen_features(self.features, self.chat.account_id, state.switches),
            settings=state.settings.of(self.chat.account_id),
            switches=state.switches,
            misread=self.misread,
        )

    def _system_texts(self, state: SiteState) -> list[str]:
        settings = state.settings.of(self.chat.account_id)
        texts = [self.chat.personal_text]
        if self.chat.project_id is not None:
            own_projects = state.projects.of(self.chat.account_id)
            texts += [project.instruction for project in own_projects if project.id == self.chat.project_id]
        if settings["memory"].get("enable_memory") is True:
            texts += [f"Remembered of the user: {text}" for text in state.settings.memories(self.chat.account_id)]
        if state.switches.honour_system_message:
            texts.insert(0, str(self.body.get("system_message") or ""))
        return [text for text in texts if text]

    def _thinking(self) -> str | None:
        thinks = self.model.thinking == "always" or self.features.get("thinking_enabled") is True
        if not thinks or self.model.thinking == "no":
            return None
        return "detail" if self.features.get("thinking_format") == "detail" else "summary"


def read_question(state: SiteState, account: SandboxAccount, body: Any, chat_id: str | None) -> Question:
    """Return the question of a completions call with `chat_id` in its address. Raises SiteError."""
    if not isinstance(body, dict):
        raise bad_request("Invalid input the body is not a JSON object.")
    _require(body, _BODY_FIELDS)
    message = _only_message(body["messages"])
    _require(message, _MESSAGE_FIELDS)
    if body["chat_id"] != chat_id:
        raise bad_request("Invalid input the two chat ids differ.")
    chat = state.chats.get(account.id, chat_id)
    model = next((card for card in state.models if card.id == body["model"]), None)
    if model is None:
        raise SiteError(404, "Not_Found", "Model not found")
    _check_message(body, message, model)
    if model.thinking == "always" and _features(message).get("thinking_enabled") is False:
        raise SiteError(400, "invalid_input", UNNAMED_INPUT)
    _check_files(state, account, message["files"])
    check_local_tools(_features(message))
    chat.check_parent(body["parent_id"], older=state.switches.older_parents)
    silenced = are_silenced(_features(message), account.id, state.switches)
    return Question(chat, model, body, message, silenced, *_ordered_fault(message))


def _ordered_fault(message: dict[str, Any]) -> tuple[Fault | None, str]:
    """Return the fault that the message orders, and why one that a person wrote there cannot be read."""
    conversation = Conversation(read_view([message]))
    try:
        for order in _faults_in(directive for text in conversation.spoken for directive in all_directives(text)):
            parse_fault(order)
    except ValueError as error:
        return None, f"fault: {error}"
    for order in _faults_in(conversation.directives):
        with suppress(ValueError):
            return parse_fault(order), ""
    return None, ""


def _faults_in(directives: Iterable[Directive]) -> Iterator[str]:
    return (directive.text for directive in directives if directive.name == "fault")


def _features(message: dict[str, Any]) -> dict[str, Any]:
    config = message["feature_config"]
    return config if isinstance(config, dict) else {}


def _require(fields: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in fields:
            raise SiteError(400, "RequestValidationError", f"Field '{name}': Field required")


def _only_message(messages: Any) -> dict[str, Any]:
    if isinstance(messages, list) and len(messages) > 1:
        raise bad_request("Invalid input too many messages.")
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        raise bad_request("Invalid input no message.")
    message: dict[str, Any] = messages[0]
    return message


def _check_message(body: dict[str, Any], message: dict[str, Any], model: ModelCard) -> None:
    extra = message["extra"] if isinstance(message["extra"], dict) else {}
    chat_types = (message["chat_type"], message["sub_chat_type"], extra.get("meta", {}).get("subChatType"))
    parents = (body["parent_id"], message.get("parentId"), message.get("parent_id"))
    if message["role"] != "user":
        raise bad_request("Invalid input the message is not a user's.")
    if not isinstance(message["content"], str | list):
        raise bad_request("Invalid input the content is neither text nor parts.")
    if len(set(map(str, chat_types))) != 1:
        raise bad_request("Invalid input the chat types differ.")
    if message["chat_type"] not in model.chat_types:
        raise bad_request("Invalid input the model does not know this chat type.")
    if message["chat_type"] in PICTURES:
        check_picture(body, message)
    if message["chat_type"] in FILMS:
        check_film(body, message)
    if any(parent != parents[0] for parent in parents):
        raise bad_request("Invalid input the parent ids differ.")


def _check_files(state: SiteState, account: SandboxAccount, files: Any) -> None:
    for entry in files if isinstance(files, list) else [None]:
        state.files.check_entry(account.id, entry, state.now())
