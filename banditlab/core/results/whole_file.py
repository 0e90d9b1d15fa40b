"""Files that appear whole or not at all: a full disk or a killed process leaves what was there before."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

LONGEST = 50
"""How many characters, of up to four bytes each, of a file's name the name of the one beside it has."""


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to, next to a file that it replaces at the end; after an error it is removed.

    Its name begins with a dot and ends like the file's: a writer may go by the ending, and names must not be longer
    than some 255 bytes. An `OSError` that names it is made to name the file instead, which the user knows.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "numbers.csv"
    >>> with whole_file(file) as beside:
    ...     written = beside.write_text("1, 2, 3")
    >>> file.read_text()
    '1, 2, 3'
    """
    target = Path(os.path.realpath(path))  # through links, so that they stay links
    beside = target.with_name(f".{os.getpid()}.{secrets.token_hex(4)}.{target.name[-LONGEST:]}")
    try:
        yield beside
        beside.replace(target)
    except OSError as error:
        if error.filename in (str(beside), beside):
            error.filename = str(path)
            if error.filename2 is not None:
                del error.filename2  # None would be reported as a name
        raise
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
