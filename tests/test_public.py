"""What is public: names that are there, and the same in every family."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import re

import pytest

import banditlab as bl
from banditlab import arms, cvar, dueling, semibandits
from banditlab.cli.docstrings import sections
from banditlab.core.errors import InvalidArgument
from banditlab.families import families

PACKAGES = ["inference", "plotting", "data", *families(), "dueling.contextual"]
MODULES = [
    f"{package}.{name}"
    for package in families()
    for name in importlib.import_module(f"banditlab.{package}").__all__
    if inspect.ismodule(getattr(importlib.import_module(f"banditlab.{package}"), name))
]


@pytest.mark.parametrize("name", ["errors", *PACKAGES, *(m for m in MODULES if not m.endswith(".generics"))])
def test_what_a_module_lists_is_there_and_no_part_of_its_machinery(name):
    module = importlib.import_module(f"banditlab.{name}")
    assert module.__all__
    for public in module.__all__:
        assert type(getattr(module, public)).__name__ != "Family"


def test_every_family_has_the_kernels_of_its_classes_beside_it():
    for family in families():
        module = getattr(bl, family)
        assert inspect.ismodule(getattr(module, "generics", None) or module.mdp.generics)


def test_parts_are_attributes_without_an_import_of_their_own():
    assert set(dir(bl)) == set(bl.__all__)
    for name in bl.__all__:
        assert getattr(bl, name) is not None


def functions():
    """Yield every public function with the parameters that its docstring has, and every such method of a class."""
    for name in ["", *PACKAGES, *MODULES]:
        module = importlib.import_module(f"banditlab.{name}".rstrip("."))
        for public in module.__all__ if hasattr(module, "__all__") else ():
            found = getattr(module, public)
            own = vars(found) if inspect.isclass(found) and found.__module__.startswith("banditlab") else ()
            for function in (found, *(getattr(found, n) for n in own if not n.startswith("_"))):
                if inspect.isroutine(function) and "Parameters" in sections(inspect.getdoc(function) or ""):
                    yield pytest.param(function, id=f"{name}.{function.__qualname__}")


@pytest.mark.parametrize("function", list(functions()))
def test_parameters_are_those_of_the_function_and_have_its_defaults(function):
    told = {}
    for entry in re.split(r"\n(?=\S)", sections(inspect.getdoc(function))["Parameters"]):
        names, _, kind = entry.partition("\n")[0].partition(" : ")
        told |= {name.strip().lstrip("*"): kind for name in names.split(",")}
    parameters = {n: p for n, p in inspect.signature(function).parameters.items() if p.annotation != "Never"}
    assert set(told) == set(parameters) - {"self"}
    for name, kind in told.items():
        default = parameters[name].default
        if kind and parameters[name].kind is not inspect.Parameter.VAR_KEYWORD:
            assert (default is not inspect.Parameter.empty) == bool(re.search("default|optional", kind)), (name, kind)
        with contextlib.suppress(ValueError, SyntaxError):  # of several, or in words
            assert ast.literal_eval(kind.partition("default ")[2].replace(",", "_")) == default


@pytest.mark.parametrize("function", list(functions()))
def test_seeds_are_the_first_one_or_drawn_where_none_is_given(function):
    seed = inspect.signature(function).parameters.get("seed")
    assert seed is None or seed.default in (0, None) or function is bl.Instances.instance


RANDOM = {
    "mdp": lambda seed: cvar.random_mdp(2, 2, 2, seed=seed),
    "layered": lambda seed: cvar.layered_mdp(seed=seed),
    "mixture": lambda seed: cvar.linear_mixture(2, 2, 2, 2, seed=seed),
    "modes": lambda seed: arms.TruncatedGaussianMixture.random(seed=seed),
    "signs": lambda seed: dueling.ContextualGLM.sign_vectors(seed=seed),
    "condorcet": lambda seed: dueling.instances.random_condorcet(3, seed=seed),
    "covers": lambda seed: semibandits.Coverage.random(3, 5, 0.5, semibandits.UpToM(2), seed=seed),
    "graphs": lambda seed: semibandits.Influence([[0, 1]], semibandits.UpToM(1), seed=seed),
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_instances_have_the_seeds_of_runs(name):
    RANDOM[name](2**64 - 1)
    for seed in (2**64, -1):
        with pytest.raises(InvalidArgument, match=rf"seed is {seed}; allowed: an integer from 0 to {2**64 - 1}"):
            RANDOM[name](seed)
