"""What a user can do about a kernel that Numba cannot compile: its messages are about types, not about policies."""

from __future__ import annotations

import numbers
import re
from typing import Any

import numpy as np

from ..components import PARAMETERS, component_parts, is_component, record_fields, with_nested
from ..validation import shown

PLAIN_WORDS = (
    r"Unknown attribute|is not defined|Cannot unify|Untyped global|Invalid use of|has no attribute|non-precise|"
    r"failed to unpack|wrong tuple length|Cannot modify readonly|cannot index|unsupported opcode|"
    r"is not supported|is unsupported|cannot be stored|unsupported NumPy function|format spec in f-strings|"
    r"Cannot capture the non-constant"
)

WITH_ADVICE = {
    r"Cannot modify readonly": "an array from outside is a constant for a kernel; what changes is made in state",
    r"STORE_GLOBAL": "what changes is made in state",
    r"IMPORT_NAME": "import it outside the kernel",
    r"unsupported NumPy function": "a loop does the same, and is as fast",
    r"failed to unpack|wrong tuple length": "a kernel of two arms, as select of duels, returns both",
    r"The use of a (list|set)": "make it a tuple, an array or a field",
    r"format spec in f|FORMAT_WITH_SPEC": "kernels make no text; to print while debugging, play as plain Python",
    r"Cannot capture the non-constant": "a function within a kernel, such as a key of max, is to be a loop",
    r"(max|min|sorted)\(.*key=": "a loop over the arms, with an if, finds the one that the key would",
    r"OptionalType\(": "what is None on one way is to start as a number, such as best = 0",
    r"The use of yield in a closure": "a generator expression is to be a loop",
    r"Untyped global name '\w+': (?!.*<class 'function'>)": (
        "kernels see numbers, arrays and tuples from outside, and what changes is made in state"
    ),
    r"Unknown attribute .*module 'numpy\.random'": (
        "rng is given to the samplers of banditlab.core.sampling, as in uniform(rng, lane)"
    ),
}
"""What to do about a Numba message, by a part of its text."""

SAMPLERS = {"random": "uniform", "integers": "below", "choice": "below", "standard_normal": "normal"}
"""Names in `banditlab.core.sampling` of the methods of NumPy's generators."""

SEEN = "kernels see numbers, arrays and components"

TAG = r"_[0-9a-f]{16}\b"
"""What follows a component's name in the name of its record of parameters."""


def reason(message: str, *components: object) -> str:
    """Return the part of a Numba message that concerns the user, with what to do; empty if that is not known.

    Parameters
    ----------
    message
        The complete message.
    *components
        The policy and the environment that were to be compiled, with the components nested in them.
    """
    told = next((line.strip() for line in message.splitlines() if re.search(PLAIN_WORDS, line)), "")
    nested = {type(part).__name__: part for c in components if is_component(c) for part in with_nested(c)}
    told = re.sub(r"reflected (list|set)\(.*\)<iv=None> type, (.* is not supported) as globals .*", r"\1, \2", told)
    told = re.sub(r"\('wrong tuple length for \S+ ', '(.*?)'\)", r"wrong tuple length, \1", told)
    told = re.sub(r" Raised from .*", "", told).removeprefix("NumbaTypeError: ").rstrip(".")
    told = told or _no_such_operation(message)
    for rule in (_missing_attribute, _plain_function, _missing_kernel, _no_type, _known):
        advice = rule(told, message, nested)
        if advice:
            told = f"{told}: {advice}" if told else advice
            break
    told = re.sub(r"(<module '[\w.]+') from '[^']*'>", r"\1>", told)
    told = re.sub(r" of type State_\w+\([^:]*\)", " of state", told)
    return re.sub(TAG + r"\([^()]*\)", "", told)


def _no_such_operation(message: str) -> str:
    """Return which operator has no meaning for the types that it was given: `+` is `add(Literal[str](a), int64)`."""
    bound = re.search(r"to signature '\((.*?)\) -> .*due to \"TypeError: (.+?)\"", message)
    if bound:
        (name,) = re.findall(r"function Function\(<function (\w+)", message[: bound.start()])[-1:] or ["it"]
        arguments = ", ".join(re.findall(r"(\w+):", bound[1]))
        return f"{name} takes ({arguments}): {bound[2]}"
    found = re.search(r"No implementation of function Function\(<built-in function \w+>\).*\s+>>> (.+)", message)
    if found and re.match(r"setitem\(array\([^()]*\), .+, (none|unicode_type|Literal\[str\]\(.*\))\)", found[1]):
        return f"{'nothing' if found[1].endswith('none)') else 'text'} stands where a number belongs"
    if found and re.match(r"getitem\(int64, .*array\(uint64, 2d", found[1]):
        return "the samplers take (rng, lane), in this order"
    if found and re.match(r"setitem\(array\([^()]*\), .+, array\([^()]*\)\)", found[1]):
        return "an array stands where one number belongs: with all indices it is one, as in state.sums[arm, lane]"
    return f"there is no {found[1]}" if found else ""


def _missing_attribute(told: str, message: str, nested: dict[str, Any]) -> str:
    found = re.search(r"Unknown attribute '(\w+)' of type (\w+)", told)
    if not found:
        return ""
    name, owner = found[1], nested.get(re.sub(TAG, "", found[2]))
    if found[2].startswith("State_"):
        return f"state has {', '.join(record_fields(found[2])) or 'nothing'}"
    if found[2] == "array" and "uint64, 2d" in told:
        return f"rng is given to the samplers of banditlab.core.sampling, as in {SAMPLERS.get(name, name)}(rng, lane)"
    if owner is None:
        return ""
    derived = {k: v for problem, *_ in _made(owner) for k, v in owner.derive(problem).items()}
    if name in derived:
        return _derived(owner, name, derived[name])
    if not hasattr(owner, name) and name in ("n_arms", "horizon"):
        return f"derive(self, problem) gives it to kernels, by return {{'{name}': problem.{name}}}"
    if not hasattr(owner, name):
        return f"its fields are {', '.join(component_parts(owner))}" if component_parts(owner) else "it has no fields"
    member, value = getattr(type(owner), name, None), getattr(owner, name)
    if isinstance(member, property):
        return f"{name} is a property, and kernels see fields and what derive returns"
    if callable(member):
        return f"{name} is a method, and kernels call functions decorated with banditlab.core.dispatch.device"
    if name not in component_parts(owner):
        return f"{name} is no field, as it has no type; with one it is: {name}: float = bl.field(default={value!r})"
    return f"{name} is {value!r}, and {SEEN}"


def _made(owner: Any) -> dict[Any, Any]:
    """Return the parameters that were made of a component, by the problem that they are for and more."""
    known = vars(owner).get("_remembered", {}).get(PARAMETERS)
    return {} if known is None else known.as_dict()


def _derived(owner: Any, name: str, value: object) -> str:
    return f"{type(owner).__name__}.derive returned {name} = {shown(value)}, and {SEEN}"


def _no_type(told: str, message: str, nested: dict[str, Any]) -> str:
    """Return which parameter has no type that Numba knows, which Numba does not always say."""
    if told and "pyobject" not in told:
        return ""
    for owner in nested.values():
        for params in _made(owner).values():
            for name, value in params._asdict().items():
                plain = isinstance(value, numbers.Number | np.generic | tuple)
                if plain or (isinstance(value, np.ndarray) and value.dtype.kind in "biufc"):
                    continue
                if name in component_parts(owner):
                    return f"{type(owner).__name__}.{name} is {shown(value)}, and {SEEN}"
                return _derived(owner, name, value)
    return ""


def _plain_function(told: str, message: str, nested: dict[str, Any]) -> str:
    found = re.search(r"Untyped global name '(\w+)'.*<class 'function'>", told)
    return f"{found[1]} is to be decorated with banditlab.core.dispatch.device" if found else ""


def _missing_kernel(told: str, message: str, nested: dict[str, Any]) -> str:
    if told:
        return ""
    for kernel, record in re.findall(rf">>> (\w+)\((\w+?){TAG}", message):
        owner = nested.get(record)
        if owner is not None:
            info = type(owner).__banditlab__
            if kernel in info.generics and kernel not in info.kernels:
                return f"{record} has no kernel {kernel}"
    return ""


def _known(told: str, message: str, nested: dict[str, Any]) -> str:
    return next((advice for pattern, advice in WITH_ADVICE.items() if re.search(pattern, told)), "")
