"""Count the tokens of a whole question, before the site has seen it and where it does not count itself.

Every wire API counts with it, and so does the relay, which refuses what a model cannot take. Pure, but for the
vocabulary that it loads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from qwenproxy.chat import ChatRequest, Document, Message, TextPart, Tool
from qwenproxy.tokenizer import counting

# The models' template puts a mark, the role and a line break before each message, and a mark and a line break after it.
PER_MESSAGE = 5
# The template's head of the answer: a mark, the role and a line break.
PER_ANSWER = 3
# What the models take for a picture of 1024 by 1024 pixels: one token for each 32 by 32. We do not look into pictures
# and documents before an account has them, so each of them counts as this much.
PER_ATTACHMENT = 1024
EXACT_UP_TO = 1_000_000  # tokens; of a longer question the rest is taken to be alike


def question_tokens(chat: ChatRequest, enough: int = EXACT_UP_TO) -> int:
    """Return the number of tokens of a question: messages, calls, results, tools, the form of the answer, attachments.

    Exact up to `enough` tokens of text, by the template of the models. The site adds text of its own, so that its own
    count is higher. The first call loads the vocabulary, which takes about half a second.
    """
    return _overhead(chat) + counting.count_all(_texts(chat), enough)


def exceeds(chat: ChatRequest, maximum: int) -> int | None:
    """Return the number of tokens of a question with more than `maximum`, None for any other.

    Counts only if the length leaves a doubt, so that most questions need no vocabulary. The number is exact up to the
    maximum; beyond it, it is an estimate that is above the maximum.
    """
    if _overhead(chat) + sum(map(counting.byte_length, _texts(chat))) <= maximum:
        return None
    tokens = question_tokens(chat, maximum)
    return tokens if tokens > maximum else None


def _overhead(chat: ChatRequest) -> int:
    attachments = sum(len(message.attachments) for message in chat.messages)
    return PER_ANSWER + PER_MESSAGE * len(chat.messages) + PER_ATTACHMENT * attachments


def _texts(chat: ChatRequest) -> Iterator[str]:
    for message in chat.messages:
        yield from _message_texts(message)
    for tool in chat.tools:
        yield _tool_text(tool)
    if chat.document is not None:
        yield _document_text(chat.document)


def _message_texts(message: Message) -> Iterator[str]:
    for part in message.parts:
        if isinstance(part, TextPart):
            yield part.text
    for call in message.tool_calls:
        yield _json({"name": call.name, "arguments": call.arguments})


def _tool_text(tool: Tool) -> str:
    return _json({"name": tool.name, "description": tool.description, "parameters": tool.parameters})


def _document_text(document: Document) -> str:
    return _json(document.schema) if document.schema is not None else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
