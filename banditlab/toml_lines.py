"""Where the keys of a TOML file stand, for error messages."""

from __future__ import annotations

import bisect
import re
import tomllib

Key = tuple[str | int, ...]
"""Where a value stands in a file: ('policies', 0, 'alpha')."""


class Lines:
    """The line of every key and array element of a TOML document that tomllib has accepted.

    Own code, because neither tomllib nor tomlkit reports the positions of what it has read. It follows the structure
    only: headers, keys, brackets, strings and comments; everything else about values is left to tomllib.
    """

    _BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
    _BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
    _QUOTED_KEY = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')
    _SCALAR = re.compile(
        r'"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:\\.|[^"\\])*"|\'[^\']*\'|[^,\]}\n#]*',
        re.DOTALL,
    )

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._found: dict[Key, int] = {}
        tables: dict[Key, int] = {}  # how many [[tables]] of this name so far
        here: Key = ()
        while self._skip():
            start = self._at
            if text[start] != "[":
                self._pair(here)
                continue
            repeated = text.startswith("[[", start)
            self._at += 2 if repeated else 1
            here = ()
            parts = self._key()
            for depth, part in enumerate(parts, 1):
                here += (part,)
                self._found.setdefault(here, self._line(start))
                if repeated and depth == len(parts):
                    tables[here] = tables.get(here, 0) + 1
                if here in tables:
                    here += (tables[here] - 1,)
                    self._found.setdefault(here, self._line(start))
            self._at += 2 if repeated else 1

    def __call__(self, key: Key) -> int:
        """Return the line of a key, or of the innermost table or array around it that the document names."""
        while key and key not in self._found:
            key = key[:-1]
        return self._found.get(key, 1)

    def _line(self, position: int) -> int:
        return bisect.bisect_left(self._ends, position) + 1

    def _skip(self) -> bool:
        """Go to the next character that is neither blank nor comment; say whether there is one."""
        match = self._BLANK.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._at < len(self._text)

    def _key(self) -> Key:
        """Read a key, dotted perhaps, and the blanks after it."""
        parts: Key = ()
        while True:
            self._skip()
            quoted = self._QUOTED_KEY.match(self._text, self._at)
            match = quoted or self._BARE_KEY.match(self._text, self._at)
            assert match is not None
            parts += (tomllib.loads(f"key = {match[0]}")["key"] if quoted else match[0],)
            self._at = match.end()
            self._skip()
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _pair(self, table: Key) -> None:
        line = self._line(self._at)
        for part in self._key():
            table += (part,)
            self._found.setdefault(table, line)
        self._at += 1  # the equals sign
        self._skip()
        self._value(table)

    def _value(self, key: Key) -> None:
        self._found.setdefault(key, self._line(self._at))
        opening = self._text[self._at]
        if opening not in "[{":
            match = self._SCALAR.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            return
        self._at += 1
        count = 0
        while self._skip() and self._text[self._at] not in "]}":
            if opening == "[":
                self._value((*key, count))
                count += 1
            else:
                self._pair(key)
            self._skip()
            if self._text[self._at] == ",":
                self._at += 1
        self._at += 1
