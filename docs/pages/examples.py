"""An instance of each component: the one that its docstring's examples construct."""

from __future__ import annotations

import ast
import doctest
import inspect
from typing import Any


def example_of(cls: type) -> Any:
    """Return the first instance of a class that the examples in its docstring construct.

    Raises
    ------
    LookupError
        If they construct none.
    """
    namespace: dict[str, Any] = {}
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(cls) or ""):
        tree = ast.parse(example.source)
        for node in ast.walk(tree):
            # it may be part of what is shown: arms.Bernoulli([0.2, 0.5]).means
            if isinstance(node, ast.Call) and cls.__name__ in ast.unparse(node.func).split("."):
                made = eval(compile(ast.Expression(node), cls.__name__, "eval"), namespace)
                if type(made) is cls:
                    return made
        exec(compile(tree, cls.__name__, "exec"), namespace)
    raise LookupError(f"the examples in the docstring of {cls.__name__} construct none; allowed: one that does")
