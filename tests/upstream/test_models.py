"""The model catalogue and the names that lead into it."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream.aliases import ALIASES, DOCUMENTED
from qwenproxy.upstream.models import FALLBACK, LONGEST_THINKING, Catalogue, Model, parse_models

FULL = {
    "id": "qwen3.7-plus",
    "name": "Qwen3.7-Plus",
    "info": {
        "created_at": 1770000000,
        "is_active": True,
        "meta": {
            "capabilities": {"vision": True, "audio": True, "document": True, "thinking": True, "search": True},
            "abilities": {"vision": 1, "thinking": 1, "parse_url": 2},
            "max_context_length": 1000000,
            "max_generation_length": 65536,
            "chat_type": ["t2t", "t2i"],
        },
    },
}

THINKING_LENGTH = "max_thinking_generation_length"
README_NAMES = [
    *("qwen-max", "qwen-plus", "qwen-turbo", "qwen-max-latest", "qwen-plus-latest", "qwen-turbo-latest"),
    *("qwen-coder-plus", "qwen-vl-max", "qwen-vl-plus", "qwen-vl-max-latest", "qwen-vl-plus-latest"),
    *(f"qwen2.5-coder-{size}b-instruct" for size in ("0.5", "1.5", "3", "7", "14", "32")),
    *("qwen3", "qwen3-max", "qwen3-plus"),
]


def catalogue(*ids: str) -> Catalogue:
    return Catalogue(tuple(Model(model_id, model_id) for model_id in ids))


def meant(names: Catalogue, name: str) -> str | None:
    model = names.resolve(name)
    return model.id if model else None


@pytest.mark.parametrize(
    ("wish", "longest", "budget"),
    [(None, 500, None), (400, 500, 400), (600, 500, 500), (2**53, None, LONGEST_THINKING), (600, None, 600)],
)
def test_a_budget_of_thinking_is_bounded_by_the_model(
    wish: int | None, longest: int | None, budget: int | None
) -> None:
    (model,) = parse_models(
        orjson.dumps({"data": [{"id": "x", "info": {"meta": {THINKING_LENGTH: longest}}}]}).decode()
    )
    assert model.thinking_budget(wish) == budget


@pytest.mark.parametrize(
    "wrap", [lambda m: {"data": m}, lambda m: {"success": True, "data": {"data": m}}], ids=["data", "success and data"]
)
def test_both_wrappers(wrap: Callable[[object], object]) -> None:
    (model,) = parse_models(orjson.dumps(wrap([FULL])).decode())
    assert model == Model(
        id="qwen3.7-plus",
        name="Qwen3.7-Plus",
        vision=True,
        audio=True,
        document=True,
        thinking=True,
        search=True,
        chat_types=("t2t", "t2i"),
        context_length=1000000,
        output_length=65536,
        created=1770000000,
    )


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "x"},
        {"id": "x", "name": None, "info": None},
        {"id": "x", "info": {"meta": []}},
        {
            "id": "x",
            "info": {"created_at": "soon", "meta": {"capabilities": [], "abilities": 3, "chat_type": "t2t"}},
        },
    ],
    ids=["id alone", "nulls", "no meta", "odd values"],
)
def test_every_key_but_the_id_is_optional(entry: dict[str, object]) -> None:
    assert parse_models(orjson.dumps({"data": [entry]}).decode()) == (Model("x", "x"),)


def test_entries_without_use_are_left_out() -> None:
    entries = [
        {"name": "no id"},
        {"id": ""},
        7,
        {"id": "off", "info": {"is_active": False}},
        {"id": "a"},
        {"id": "a"},
    ]
    assert [model.id for model in parse_models(orjson.dumps({"data": entries}).decode())] == ["a"]


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"data":{}}', '{"data":[]}', '{"data":[{}]}'])
def test_unknown_forms(body: str) -> None:
    with pytest.raises(ProtocolChanged):
        parse_models(body)


@pytest.mark.parametrize(("model_id", "level"), [("qwen3.8-max-preview", 1), ("qwq-32b", 0), ("new", 2)])
def test_models_that_always_think(model_id: str, level: int) -> None:
    entry = {"id": model_id, "info": {"meta": {"abilities": {"thinking": level}}}}
    (model,) = parse_models(orjson.dumps({"data": [entry]}).decode())
    assert model.thinking and model.always_thinks


def test_the_fast_model_is_the_best_of_its_kind() -> None:
    fast = FALLBACK.fast
    assert fast and fast.id == "qwen3.5-flash"
    assert Catalogue(()).fast is None


def test_the_table_of_the_older_project_is_complete() -> None:
    # the 7b is the one name that its README adds to its table
    assert len(ALIASES) == 111 + 1
    assert all(ALIASES[target] == target for target in ALIASES.values())


@pytest.mark.parametrize("name", [*README_NAMES, *ALIASES])
@pytest.mark.parametrize("names", [FALLBACK, catalogue("something-new")], ids=["fallback", "live"])
def test_every_documented_name_resolves(names: Catalogue, name: str) -> None:
    assert names.resolve(name) in names.live


def test_live_id_wins_over_an_alias() -> None:
    assert meant(catalogue("qwen3-max", "qwen-max"), "qwen-max") == "qwen-max"


def test_alias_with_a_live_target() -> None:
    names = catalogue("qwen3.8-max", "qwen3-max", "qwen-max-latest", "qwen2.5-14b-instruct-1m")
    assert meant(names, "qwen-max") == "qwen3-max"
    assert meant(names, "qwen-max-latest") == "qwen-max-latest"
    assert meant(names, "qwen2.5-coder-14b-instruct") == "qwen2.5-14b-instruct-1m"


@pytest.mark.parametrize(
    ("name", "substitute"),
    [
        ("qwen-max-latest", "qwen3.7-max"),
        ("qwen-plus", "qwen3.7-max"),
        ("qwen-vl-max", "qwen3-vl-plus"),
        ("qwen2.5-omni", "qwen3-vl-plus"),
        ("qwen2.5-coder-7b-instruct", "qwen3-coder-plus"),
        ("qwen2.5-coder-14b-instruct", "qwen3-coder-plus"),
        ("qwen3-coder-flash", "qwen3-coder-plus"),
        ("qwen-turbo", "qwen3.5-flash"),
    ],
)
def test_missing_target_gives_way_to_its_kind(name: str, substitute: str) -> None:
    names = catalogue("zzz", "qwen3.5-flash", "qwen3-vl-plus", "qwen3.7-plus", "qwen3-coder-plus", "qwen3.7-max")
    assert meant(names, name) == substitute


def test_last_resort_is_the_first_model_that_suits() -> None:
    blind, sees = Model("qwen9", "qwen9"), Model("qwen9-eye", "qwen9-eye", vision=True)
    assert meant(Catalogue((blind, sees)), "qwen-vl-max") == "qwen9-eye"
    assert meant(Catalogue((blind, sees)), "qwen-max") == "qwen9"
    assert meant(Catalogue((blind,)), "qwen-vl-max") == "qwen9"
    assert meant(catalogue("qwen9", "qwen9-coder"), "qwen3-coder") == "qwen9-coder"


@pytest.mark.parametrize(
    "name",
    [
        *("QWEN-MAX", "qwen-max ", "Qwen-Max", "qwen-max:latest", "qwen-max:7b-q4", "qwen/qwen-max", "Qwen/Qwen-Max"),
        *("openai/qwen-max", "qwen/qwen-max:free"),
    ],
)
def test_names_in_any_spelling(name: str) -> None:
    names = catalogue("qwen3-max", "other")
    assert meant(names, name) == "qwen3-max"


@pytest.mark.parametrize("name", ["gpt-4o", "", ":latest", "qwen/", "qwen-max/a", "qwen-max-"])
def test_names_nobody_knows(name: str) -> None:
    assert FALLBACK.resolve(name) is None


def test_a_name_as_it_is_comes_before_its_spellings() -> None:
    names = catalogue("a:b", "a", "A")
    assert [meant(names, name) for name in ("a:b", "a", "A", "a:c", "A:B")] == ["a:b", "a", "A", "a", "a:b"]


def test_without_models_nothing_resolves() -> None:
    assert Catalogue(()).resolve("qwen-max") is None
    assert Catalogue(()).listing() == []


def test_the_list_is_the_live_ids_and_the_documented_names_each_once() -> None:
    names = catalogue("new-one", "qwen3-max", "Qwen-Plus")
    listing = names.listing()
    shown = [name for name, _ in listing]
    assert shown[:3] == ["new-one", "qwen3-max", "Qwen-Plus"]
    assert len({name.casefold() for name in shown}) == len(shown)
    assert set(shown) == {"new-one", "Qwen-Plus", *README_NAMES} - {"qwen-plus"}
    assert all(names.resolve(name) == model for name, model in listing)
    assert all(model in names.live for _, model in listing)
    assert set(README_NAMES) == set(DOCUMENTED)
