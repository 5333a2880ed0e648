"""LangChain for Python."""

from __future__ import annotations

from qwenproxy.connect.program import Program, Target, Way


def _variables(target: Target) -> dict[str, str]:
    return {"OPENAI_API_BASE": target.v1, "OPENAI_API_KEY": target.key}


def _sample(target: Target) -> str:
    return (
        "from langchain_openai import ChatOpenAI\n\n"
        f'model = ChatOpenAI(base_url="{target.v1}", api_key="{target.key}", model="{target.model}")\n'
        'print(model.invoke("Hello!").content)'
    )


PROGRAM = Program("langchain", "LangChain", (Way("chat", _variables, sample=_sample),), ("note_langchain_structured",))
