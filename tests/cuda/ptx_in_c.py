"""PTX as C: what NVIDIA's compiler makes of a kernel, to be run where there is no device.

Not all of PTX: what the kernels of this package are made of, as its manual (PTX ISA 9.0, chapter 9) defines it. What
is not known is an error.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TYPES = {
    **{f"{kind}{bits}": f"uint{bits}_t" for kind in "ub" for bits in (8, 16, 32, 64)},
    **{f"s{bits}": f"int{bits}_t" for bits in (8, 16, 32, 64)},
    **{"f32": "float", "f64": "double", "pred": "uint8_t"},
}

COMPARED = {
    "eq": "{0} == {1}",
    "ne": "({0} < {1} || {0} > {1})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "equ": "!({0} < {1} || {0} > {1})",
    "neu": "!({0} == {1})",
    "ltu": "!({0} >= {1})",
    "leu": "!({0} > {1})",
    "gtu": "!({0} <= {1})",
    "geu": "!({0} < {1})",
    "num": "!isunordered({0}, {1})",
    "nan": "isunordered({0}, {1})",
}
"""`num` and what follows `equ` are of floating-point numbers: they differ where one is no number."""

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "and": "&", "or": "|", "xor": "^"}

PRELUDE = """
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double d(uint64_t bits) { double x; memcpy(&x, &bits, 8); return x; }
static inline uint64_t b(double x) { uint64_t bits; memcpy(&bits, &x, 8); return bits; }
static inline float f(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t bf(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

/* of a zero and its negative the negative is less; what is no number is left out */
static inline double least(double x, double y) { return x < y || (x == y && signbit(x)) || isnan(y) ? x : y; }
static inline double largest(double x, double y) { return x > y || (x == y && !signbit(x)) || isnan(y) ? x : y; }

/* conversions saturate */
static inline double saturated(double x) { return x > 0.0 ? (x < 1.0 ? x : 1.0) : 0.0; }
static inline int64_t whole(double x) {
    if (isnan(x)) return INT64_MIN;
    return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}
"""


class NotKnown(Exception):  # noqa: N818 - not of the package
    """Raised for PTX that is not translated."""


def _operand(text: str) -> str:
    """Return an operand in C."""
    if text.startswith("0d"):
        return f"d(0x{text[2:]}u)"
    if text.startswith("0f"):
        return f"f(0x{text[2:]}u)"
    if re.fullmatch(r"-?\d+", text):
        return f"{text}{'u' * (int(text) > 0x7FFFFFFFFFFFFFFF)}" if text != str(-(2**63)) else "INT64_MIN"
    return re.sub(r"[%$]", "", text).replace(".", "_")


def _address(text: str) -> str:
    base, _, offset = text.partition("+")
    return f"({_operand(base)} + {offset or 0})"


def _read(kind: str, x: str) -> str:
    """Return an operand as a type; newer compilers keep floating-point numbers in registers of bits."""
    if kind == "pred":
        return f"(({x}) & 1)"  # of a constant, -1, too
    if kind == "f64" and re.match(r"rd\d", x):
        return f"d({x})"
    return f"f({x})" if kind == "f32" and re.match(r"r\d", x) else f"({TYPES[kind]})({x})"


def _written(kind: str, to: str, value: str) -> str:
    """Return what a register receives of a value of a type."""
    if kind == "f64" and re.match(r"rd\d", to):
        return f"b({value})"
    return f"bf({value})" if kind == "f32" and re.match(r"r\d", to) else value


def _converted(kinds: list[str], x: str) -> str:
    """Return x converted: `kinds` are how, if that is said, to what and from what."""
    *how, to, given = kinds
    x = _read(given, x)
    if to == "f64" and given == "f64":
        return {"sat": "saturated", "rmi": "floor", "rpi": "ceil", "rzi": "trunc", "rni": "rint"}[how[-1]] + f"({x})"
    if to == "s64" and given in ("f32", "f64"):
        return {"rzi": "whole({})", "rmi": "whole(floor({}))", "rpi": "whole(ceil({}))"}[how[-1]].format(x)
    if "f64" not in (to, given) and "f32" not in (to, given) and not how:
        return f"({TYPES[to]})({x})"
    if how in ([], ["rn"]) and to[0] == "f":
        return f"({TYPES[to]})({x})"
    raise NotKnown(f"cvt.{'.'.join(kinds)}")


def _value(name: str, kinds: list[str], given: list[str]) -> str:
    """Return what an instruction computes, in C: its name, what follows the name, its operands."""
    kind = kinds[-1]
    real = kind in ("f32", "f64")
    cast = [_read(kind, x) for x in given]
    rounded = not real or kinds[:-1] == ["rn"]
    if name in ("mov", "cvta") and not (kind == "b32" and re.match(r"f\d", given[0])):
        return given[0] if kind != "pred" else f"({given[0]}) != 0"
    if name == "shf" and kinds[:2] == ["l", "wrap"]:
        return f"(((uint64_t){given[1]} << 32 | {given[0]}) << ({given[2]} & 31)) >> 32"
    if name == "cvt":
        return _converted(kinds, given[0])
    if name == "setp" and len(kinds) == 2:
        return COMPARED[kinds[0]].format(*cast)
    if name == "selp":
        return f"{given[2]} ? {cast[0]} : {cast[1]}"
    if name == "mul" and kinds[0] == "wide":
        wide = f"{'' if kind[0] == 's' else 'u'}int{2 * int(kind[1:])}_t"
        return f"({wide})({cast[0]}) * ({wide})({cast[1]})"
    if name == "mad" and kinds[0] == "lo":
        return f"{cast[0]} * {cast[1]} + {cast[2]}"
    if name == "mul" and kinds[0] == "lo":
        kinds = kinds[1:]
    if name in INFIX and rounded and len(kinds) == 1 + real:
        return f"{cast[0]} {INFIX[name]} {cast[1]}"
    if name in ("sqrt", "rcp") and kinds[0] == "rn":  # of floats, too: what is rounded twice so is rounded rightly
        return f"sqrt({cast[0]})" if name == "sqrt" else f"1.0 / {cast[0]}"
    if name in ("shl", "shr"):
        bits = int(kind[1:])
        beyond = f"{cast[0]} >> {bits - 1}" if kind[0] == "s" else "0"
        return f"{given[1]} < {bits} ? {cast[0]} {'<<' if name == 'shl' else '>>'} {given[1]} : {beyond}"
    if len(kinds) == 1:
        if name in ("min", "max"):
            if real:
                return f"{'least' if name == 'min' else 'largest'}({cast[0]}, {cast[1]})"
            return f"{cast[0]} {'<' if name == 'min' else '>'} {cast[1]} ? {cast[0]} : {cast[1]}"
        if name == "rem":
            return f"{cast[0]} % {cast[1]}"
        if name == "abs":
            return f"fabs({cast[0]})" if real else f"{cast[0]} < 0 ? -{cast[0]} : {cast[0]}"
        if name == "neg":
            return f"-{cast[0]}"
        if name == "not":
            return f"!{given[0]}" if kind == "pred" else f"~{cast[0]}"
    raise NotKnown(f"{name}.{'.'.join(kinds)}")


def _moved(name: str, kinds: list[str], operands: str) -> str:
    """Return a load or a store, of one value or of two side by side."""
    place, kind = re.findall(r"\[(.+)\]", operands)[0], TYPES[kinds[-1]]
    values = [_operand(x.strip()) for x in re.sub(r"\[.+\]", "", operands).strip(" ,{}").split(",")]
    if kinds[0] == "param":
        return f"{values[0]} = *({kind} *){place};"  # a macro: see `translated`
    copies = (f"{x} = at[{i}];" if name == "ld" else f"at[{i}] = {x};" for i, x in enumerate(values))
    return f"{kind} *at = ({kind} *){_address(place)}; {' '.join(copies)}"


def _bits_copied(to: str, given: str) -> str:
    """Return a copy of 64 bits, between registers of any kind or pairs of halves."""
    if given[0] == "{":
        low, high = (_operand(x.strip()) for x in given.strip("{}").split(","))
        bits = f"((uint64_t){high} << 32 | {low})"
    else:
        bits = f"b({_operand(given)})" if given.startswith(("%fd", "0d")) else _operand(given)
    if to[0] == "{":
        low, high = (_operand(x.strip()) for x in to.strip("{}").split(","))
        return f"uint64_t bits = {bits}; {low} = bits; {high} = bits >> 32;"
    return f"{_operand(to)} = {f'd({bits})' if to.startswith('%fd') else bits};"


def _instruction(line: str) -> str:
    """Return an instruction in C."""
    condition, line = re.fullmatch(r"(?:@(!?%\w+)\s+)?(.*?);", line).groups()  # type: ignore[union-attr]
    opcode, _, operands = line.partition(" ")
    name, *kinds = opcode.split(".")
    if name == "ret":
        done = "return;"
    elif name == "bra":
        done = f"goto {_operand(operands)};"
    elif name in ("ld", "st"):
        done = _moved(name, kinds, operands)
    elif name == "mov" and kinds == ["b64"]:
        done = _bits_copied(*re.split(r", (?![^{]*\})", operands))
    else:
        to, *given = (_operand(x.strip()) for x in operands.split(","))
        kind = {"setp": "pred", "cvt": kinds[-2]}.get(name, kinds[-1]) if len(kinds) > 1 else kinds[-1]
        done = f"{to} = {_written(kind, to, _value(name, kinds, given))};"
    return f"if ({_operand(condition)}) {{ {done} }}" if condition else f"{{ {done} }}"


def _lines(body: str) -> Iterator[str]:
    """Yield the lines of a kernel's body in C."""
    for line in body.splitlines():
        line = re.sub(r"\s+", " ", re.sub(r"//.*", "", line)).strip()
        if declared := re.fullmatch(r"\.reg \.(\w+) %(\w+)(?:<(\d+)>)?;", line):
            kind, name, count = declared.groups()
            names = [f"{name}{i}" for i in range(1, int(count))] if count else [name]
            for each in names:
                yield f"{TYPES[kind]} {each} = 0;"
        elif local := re.fullmatch(r"\.local \.align \d+ \.b8 (\w+)\[(\d+)\];", line):
            name, size = local.groups()
            yield f"_Alignas(16) uint8_t {name}_bytes[{size}]; uint64_t {name} = (uint64_t){name}_bytes;"
        elif label := re.fullmatch(r"\$(\w+):", line):
            yield f"{label[1]}: ;"
        elif line in ("{", "}"):
            yield line
        elif line and not line.startswith(".pragma"):
            yield _instruction(line)


def translated(ptx: str) -> tuple[str, list[str]]:
    """Return a kernel in C, and the types of its parameters.

    `launch(parameters, blocks, threads)` plays all threads, one after another; `parameters` points to a pointer to
    each, as for the driver's `cuLaunchKernel`.
    """
    declared = re.search(r"\.visible \.entry (\w+)\((.*?)\)\s*\{(.*)\}\s*\Z", ptx, re.DOTALL)
    if declared is None or re.search(r"^\s*\.(const|shared|func|extern)\b", ptx, re.MULTILINE):
        raise NotKnown("more than one function, or tables of constants")
    parameters = re.findall(r"\.param \.(\w+)(?: \.ptr[ .\w]*?)? (\w+)(?:,|\s*$)", declared[2], re.MULTILINE)
    places = [f"#define {name} parameters[{i}]" for i, (_, name) in enumerate(parameters)]
    thread = ["static void thread(void **parameters, uint32_t tid_x, uint32_t ctaid_x, uint32_t ntid_x) {"]
    launch = """
void launch(void **parameters, uint32_t blocks, uint32_t threads) {
    for (uint32_t i = 0; i < blocks; i++)
        for (uint32_t j = 0; j < threads; j++)
            thread(parameters, j, i, threads);
}"""
    code = "\n".join([PRELUDE, *places, *thread, *_lines(declared[3]), "}", launch])
    return code, [kind for kind, _ in parameters]


def compiler() -> str | None:
    """Return the C compiler's name; None where there is none."""
    return shutil.which(os.environ.get("CC", "gcc"))


def loaded(code: str) -> Any:
    """Return `launch` of C: overflows wrap, nothing is fused."""
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "kernel.c"), Path(folder, "kernel.so")
        source.write_text(code, encoding="ascii")
        options = ["-O1", "-w", "-fwrapv", "-fno-strict-aliasing", "-ffp-contract=off", "-shared", "-fPIC"]
        subprocess.run([compiler() or "gcc", *options, str(source), "-o", str(built), "-lm"], check=True)
        launch = ctypes.CDLL(str(built)).launch
    launch.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32]
    launch.restype = None
    return launch
