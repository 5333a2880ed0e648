"""The AI SDK (Vercel)."""

from __future__ import annotations

from qwenproxy.connect.program import PROVIDER, Program, Target, Way


def _sample(target: Target) -> str:
    return f"""\
import {{ createOpenAICompatible }} from '@ai-sdk/openai-compatible';
import {{ generateText }} from 'ai';

const {PROVIDER} = createOpenAICompatible({{
  name: '{PROVIDER}',
  baseURL: '{target.v1}',
  apiKey: '{target.key}',
  supportsStructuredOutputs: true,
}});
const {{ text }} = await generateText({{ model: {PROVIDER}('{target.model}'), prompt: 'Hello!' }});
console.log(text);"""


PROGRAM = Program("ai-sdk", "AI SDK", (Way("chat", sample=_sample),), ("note_ai_sdk_structured",))
