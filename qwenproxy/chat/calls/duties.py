"""What a request demands of the calls in its answer, and the words that ask the model for a better one. Pure."""

from __future__ import annotations

from qwenproxy.chat import ChatRequest
from qwenproxy.chat.calls.names import Offer
from qwenproxy.chat.calls.reader import Problem

_FREE_CHOICES = ("auto", "none", "required")
# Our own notation: the site takes the one its models were trained on for calls of its own tools (protocol 4.6).
_HOW = (
    "Write it once more, whole, in exactly this form and without a code fence:\n"
    '<use_function name="{name}">\n<argument name="...">...</argument>\n</use_function>'
)


class Duties:
    """The demands of one request."""

    def __init__(self, request: ChatRequest) -> None:
        choice = request.tool_choice
        self.forbidden = not request.tools or choice == "none"
        self.named = "" if choice in _FREE_CHOICES else choice
        self.must_call = not self.forbidden and choice != "auto"
        self.at_most_one = not request.parallel_calls
        tools = [tool for tool in request.tools if not self.named or tool.name == self.named]
        self.offer = Offer(tools, anything=self.forbidden)

    @property
    def unmet(self) -> str:
        """The words that ask for the call that is missing."""
        name = self.named or next(iter(self.offer.names), "")
        whom = f"the function {self.named!r}" if self.named else "at least one of the functions"
        return f"You must call {whom} now. Answer with the call alone. {_HOW.format(name=name)}"

    def correction(self, problem: Problem) -> str:
        """Return the words that ask for a call in place of one that cannot be carried out."""
        what = f"Your call of {problem.name!r}" if problem.name else "A function call in your answer"
        name = problem.name if problem.name in self.offer.names else "..."
        return f"{what} was not carried out: {problem.reason}. {_HOW.format(name=name)}"


IN_WORDS = "No functions can be called now. Answer in words, without any function call."
