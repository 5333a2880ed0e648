"""Checks a completions call as severely as the site does, and reads from it what the model gets (protocol 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.accounts.account import SandboxAccount
from qwenproxy.sandbox.chats.chat import Chat, ChatMessage
from qwenproxy.sandbox.envelope import SiteError, bad_request
from qwenproxy.sandbox.model.cards import ModelCard
from qwenproxy.sandbox.model.directives import Directive, read_directives
from qwenproxy.sandbox.model.script import Prompt
from qwenproxy.sandbox.state import SiteState

_BODY_FIELDS = ("stream", "chat_id", "chat_mode", "model", "messages", "parent_id", "timestamp")
_MESSAGE_FIELDS = (
    *("fid", "role", "content", "user_action", "files", "timestamp", "models"),
    *("chat_type", "sub_chat_type", "feature_config", "extra"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """An accepted call: the chat, the model, the body and its single message, and the directives in it."""

    chat: Chat
    model: ModelCard
    body: dict[str, Any]
    message: dict[str, Any]
    directives: list[Directive]

    @property
    def features(self) -> dict[str, Any]:
        """The message's feature_config."""
        config = self.message["feature_config"]
        return config if isinstance(config, dict) else {}

    def ask(self) -> ChatMessage:
        """Put the message into the chat. Raises SiteError for an unknown parent."""
        return self.chat.add(self.body["parent_id"], {**self.message, "model": self.model.id})

    def prompt(self, user_message: ChatMessage, state: SiteState) -> Prompt:
        """Return what the model sees: the path of the tree down to the message, nothing else."""
        context = [message.model_view for message in self.chat.path_to(user_message)]
        system = self.body.get("system_message")
        if state.switches.honour_system_message and system:
            context.insert(0, {"role": "system", "content": system})
        return Prompt(
            text=text_of(self.message["content"]),
            context=context,
            directives=self.directives,
            thinking=self._thinking(),
            search=self.message["chat_type"] == "search",
            interval=state.switches.interval_ms / 1000,
        )

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
    _check_files(state, account, message["files"])
    return Question(chat, model, body, message, read_directives(text_of(message["content"])))


def text_of(content: Any) -> str:
    """Return the text of a message's content, a string or an array of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


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
    if any(parent != parents[0] for parent in parents):
        raise bad_request("Invalid input the parent ids differ.")


def _check_files(state: SiteState, account: SandboxAccount, files: Any) -> None:
    for entry in files if isinstance(files, list) else [None]:
        state.files.check_entry(account.id, entry, state.now())
