"""What is public: names that are there, and the same in every family."""

from __future__ import annotations

import importlib
import inspect

import pytest

import banditlab as bl
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
