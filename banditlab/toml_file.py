"""TOML files whose errors name the line, the key, its value and what is allowed."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .core.errors import BanditlabError, ConfigError
from .core.validation import meant, quoted, shown
from .toml_lines import Key, Lines

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TOO_LONG = re.compile(rf"[0-9][0-9_]{{{sys.get_int_max_str_digits()},}}")


def allowed_words(word: object, options: Iterable[str]) -> str:
    """Return the end of a message about a word that is not among the options: all options, and the likeliest."""
    return f"allowed: {quoted(options)}{meant(word, options, written=repr)}"


def named(key: Key) -> str:
    """Return a key as messages show it: policies[0].alpha, with quotes where TOML needs them."""
    parts = (part if isinstance(part, int) or _BARE.fullmatch(part) else repr(part) for part in key)
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


class TomlFile:
    """A TOML file: its content, and errors that name its lines.

    Attributes
    ----------
    path : Path
        Where it is.
    content : dict
        What it says.
    line : Lines
        Called with a key, the line in which it stands.
    classes : dict from key to str
        The name of the class that a table was made an instance of.

    Raises
    ------
    ConfigError
        If it cannot be read, or is not TOML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_bytes().decode("utf-8-sig")  # editors may begin a file with a byte order mark
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}); allowed: a TOML file") from error
        except UnicodeDecodeError as error:
            bad = error.object.count(b"\n", 0, error.start) + 1
            raise ConfigError(
                f"{path}, line {bad}: a byte is {error.object[error.start]:#x}; allowed: UTF-8"
            ) from error
        try:
            self.content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            message = str(error)
            if message.endswith("(at end of document)"):
                message = message.replace("(at end of document)", f"(at line {max(1, len(text.splitlines()))})")
            where = re.search(r" \(at line (\d+)(?:, column (\d+))?\)$", message)
            line, told = (where[1], message[: where.start()]) if where else ("1", message)
            column = f" in column {where[2]}" if where and where[2] else ""
            raise ConfigError(f"{path}, line {line}: not TOML{column}: {told}") from error
        except ValueError as error:  # of int
            place = _TOO_LONG.search(text)
            line = str(text.count("\n", 0, place.start()) + 1 if place else 1)
            raise ConfigError(f"{path}, line {line}: not TOML: an integer has more digits than 64 bits hold") from error
        except RecursionError as error:
            raise ConfigError(f"{path}, line 1: arrays or tables are nested too deeply") from error
        self.line = Lines(text)
        self.classes: dict[Key, str] = {}

    def error(self, key: Key, message: str) -> ConfigError:
        """Return the error about what stands at a key."""
        return ConfigError(f"{self.path}, line {self.line(key)}: {message}")

    @contextmanager
    def translated(self, table: Key, before: str = "") -> Iterator[None]:
        """Give a line to errors about a key of a table, which begin with the key: `UCB1.alpha is ...`."""
        try:
            yield
        except ConfigError:
            raise
        except BanditlabError as error:
            about = re.match(r"(?:(\w+)\.)?(\w+)((?:\[\d+\])*)", str(error))
            key = table
            if about:
                # what is made of a table may object to what was made of a table inside it
                inside = (k for k, name in self.classes.items() if name == about[1] and k[: len(table)] == table)
                owner = next(inside, table)
                key = (*owner, about[2], *(int(index) for index in re.findall(r"\d+", about[3])))
            raise self.error(key, before + str(error)) from error

    def table(self, key: Key, value: Any, written: str) -> dict[str, Any]:
        """Return a table, or raise with a hint on how to write it."""
        if not isinstance(value, dict):
            raise self.error(key, f"{named(key)} is {shown(value)}; allowed: a table, {written}")
        return value

    def only(self, table: Key, found: dict[str, Any], allowed: Iterable[str], what: str = "") -> None:
        """Raise for a key of a table that is not allowed."""
        options = tuple(allowed)
        for name, value in found.items():
            if name not in options:
                raise self.error(
                    (*table, name),
                    f"{named((*table, name))} is {shown(value)}, but there is no such key{what}; "
                    + allowed_words(name, options),
                )

    def missing(self, table: Key, name: str, allowed: str) -> ConfigError:
        """Return the error about a table that lacks a key."""
        return self.error(table, f"{named((*table, name))} is missing; allowed: {allowed}")
