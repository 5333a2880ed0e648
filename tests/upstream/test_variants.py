"""Endings of model names, Anthropic's aliases, and the models of other vendors."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.chat import ChatRequest, WebSearch
from qwenproxy.upstream.models import Catalogue, Model
from qwenproxy.upstream.variants import Variant, find_variant, is_foreign, listed_variants, stand_in

PLUS = Model("qwen3.7-plus", "Qwen3.7-Plus", thinking=True, search=True)
FLASH = Model("qwen3.5-flash", "Qwen3.5-Flash")
REAL = Model("deep-thinking", "Deep", thinking=True, always_thinks=True)
SLASHED = Model("vendor/model", "Slashed", thinking=True)
CATALOGUE = Catalogue((PLUS, FLASH, REAL, SLASHED))
ENDINGS = ("-thinking", "-fast", "-search")


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("qwen3.7-plus", Variant(PLUS)),
        ("qwen3.7-plus-thinking", Variant(PLUS, thinking=True)),
        ("qwen3.7-plus-fast", Variant(PLUS, thinking=False)),
        ("qwen3.7-plus-search", Variant(PLUS, search=True)),
        ("qwen3.7-plus-search-thinking", Variant(PLUS, thinking=True, search=True)),
        ("qwen3.7-plus-thinking-search", Variant(PLUS, thinking=True, search=True)),
        ("qwen3.7-plus-thinking-fast", Variant(PLUS, thinking=False)),
        ("Qwen/Qwen3.7-Plus-Thinking:latest", Variant(PLUS, thinking=True)),
        ("deepseek/qwen3.7-plus", Variant(PLUS)),
        ("openrouter/qwen/qwen3.7-plus-search:free", Variant(PLUS, search=True)),
        ("registry.example:5000/some/Qwen3.7-Plus", Variant(PLUS)),
        ("gpt-5/qwen3.7-plus", Variant(PLUS)),
        ("/qwen3.7-plus", Variant(PLUS)),
        ("anthropic/claude-qwen3.7-plus-fast", Variant(PLUS, thinking=False)),
        ("vendor/model", Variant(SLASHED)),
        ("claude-vendor/model-thinking", Variant(SLASHED, thinking=True)),
        ("other/vendor/model", None),
        ("qwen3.7-plus/", None),
        ("qwen3.7-plus/deepseek-r1", None),
        ("qwen-turbo-search", Variant(FLASH, search=True)),
        ("deep-thinking", Variant(REAL)),
        ("deep-thinking-search", Variant(REAL, search=True)),
        ("deep-thinking-fast", Variant(REAL, thinking=False)),
        ("claude-qwen3.7-plus", Variant(PLUS)),
        ("claude-qwen3.7-plus-thinking", Variant(PLUS, thinking=True)),
        ("claude-qwen-turbo", Variant(FLASH)),
        ("claude-opus-4-8", None),
        ("gpt-4o-thinking", None),
        ("-thinking", None),
        ("thinking", None),
        ("claude-", None),
        ("", None),
        (":", None),
    ],
)
def test_what_a_name_means(name: str, variant: Variant | None) -> None:
    assert find_variant(CATALOGUE, name) == variant


@pytest.mark.parametrize("endings", list(itertools.permutations(ENDINGS, 2)), ids="".join)
def test_endings_come_in_any_order(endings: tuple[str, str]) -> None:
    variant = find_variant(CATALOGUE, PLUS.id + "".join(endings))
    assert variant
    assert variant.search == ("-search" in endings)
    switches = [ending for ending in endings if ending != "-search"]
    assert variant.thinking == (switches[-1] == "-thinking")


@given(st.text("qwen3.7-plus:/claude", max_size=20), st.lists(st.sampled_from(ENDINGS), max_size=4))
def test_no_name_is_too_odd(name: str, endings: list[str]) -> None:
    find_variant(CATALOGUE, name + "".join(endings))
    stand_in(Variant(PLUS), CATALOGUE, name + "".join(endings))


@pytest.mark.parametrize(
    ("name", "is_small"),
    [
        ("gpt-5", False),
        ("gpt-4o-mini", True),
        ("gpt-4o-mini-2024-07-18", True),
        ("openai/gpt-5-nano", True),
        ("openrouter/openai/gpt-5-nano:free", True),
        ("some-mini/gpt-5", False),
        ("o3", False),
        ("o4-mini", True),
        ("claude-opus-4-8", False),
        ("claude-haiku-4-5", True),
        ("claude-3-5-haiku-latest", True),
        ("gemini-3-pro", False),
        ("gemini-3.8-flash", True),
        ("gemini-3.5-flash-lite", True),
    ],
)
def test_small_foreign_models_give_way_to_the_fast_one(name: str, is_small: bool) -> None:
    assert is_foreign(name)
    assert stand_in(Variant(PLUS), CATALOGUE, name) == Variant(FLASH if is_small else PLUS)


@pytest.mark.parametrize(
    "name", ["llama-3-mini", "ollama", "omni", "made-up-flash", "o-mini", "qwen9", "gpt-5/llama-mini"]
)
def test_other_names_are_not_foreign(name: str) -> None:
    assert not is_foreign(name)
    assert stand_in(Variant(PLUS, search=True), CATALOGUE, name) == Variant(PLUS, search=True)


def test_endings_hold_for_a_stand_in() -> None:
    assert stand_in(Variant(PLUS), CATALOGUE, "gpt-5-mini-thinking") == Variant(FLASH, thinking=True)
    assert stand_in(Variant(PLUS, thinking=True), CATALOGUE, "made-up-search") == Variant(PLUS, True, search=True)


@pytest.mark.parametrize(
    ("variant", "asked", "applied"),
    [
        (Variant(PLUS), {}, {}),
        (Variant(PLUS, thinking=True), {}, {"thinking": True}),
        (Variant(PLUS, thinking=True), {"thinking": False}, {"thinking": False}),
        (Variant(PLUS, thinking=False), {"thinking": True}, {"thinking": True}),
        (Variant(PLUS, search=True), {}, {"search": WebSearch(forced=True)}),
        (Variant(PLUS, search=True), {"search": WebSearch(forced=True)}, {"search": WebSearch(forced=True)}),
        (Variant(PLUS), {"search": WebSearch()}, {"search": WebSearch()}),
    ],
    ids=str,
)
def test_the_request_itself_wins_over_the_name(
    variant: Variant, asked: dict[str, object], applied: dict[str, object]
) -> None:
    assert variant.applied_to(ChatRequest((), **asked)) == ChatRequest((), **applied)  # type: ignore[arg-type]


def test_only_what_a_model_can_do_is_listed() -> None:
    assert [name for name, _ in listed_variants(PLUS)] == [PLUS.id + ending for ending in ENDINGS]
    assert listed_variants(FLASH) == listed_variants(REAL) == []
    for name, variant in listed_variants(PLUS):
        assert find_variant(CATALOGUE, name) == variant
