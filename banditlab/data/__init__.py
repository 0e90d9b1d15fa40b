"""Real data that comes with the package.

See the file README.md in this folder for where it comes from and under what licence.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import one_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CAMPAIGNS", "open_bandit"]

CAMPAIGNS = ("men", "women")
"""Campaigns of the Open Bandit Dataset that come with the package."""


def open_bandit(campaign: str = "men") -> pd.DataFrame:
    """Return how often fashion items were shown and clicked when recommended uniformly at random.

    Parameters
    ----------
    campaign : {'men', 'women'}, default 'men'
        The campaign: 34 items for men, 46 for women.

    Returns
    -------
    pandas.DataFrame
        One row per item. Columns, all int64: item_id, impressions, clicks.

    Raises
    ------
    InvalidArgument
        For any other campaign.

    Notes
    -----
    Open Bandit Dataset, by ZOZO, Inc., licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). The
    numbers were counted from the 10,000-row samples that the PyPI package obp ships; whoever passes them on must keep
    this attribution.

    References
    ----------
    Saito, Aihara, Matsutani, Narita (2021), Open Bandit Dataset and Pipeline: Towards Realistic and Reproducible
    Off-Policy Evaluation, arXiv:2008.07146.

    Examples
    --------
    >>> from banditlab import arms
    >>> from banditlab.data import open_bandit
    >>> items = open_bandit("men")
    >>> items.head(2)
       item_id  impressions  clicks
    0        0          272       4
    1        1          302       0
    >>> arms.Empirical.from_counts(items["impressions"], items["clicks"]).n_arms
    34
    """
    import pandas as pd

    name = one_of(*CAMPAIGNS)("campaign", campaign)
    with files(__name__).joinpath(f"open_bandit_{name}.csv").open("rb") as file:  # the package may be in a zip file
        return pd.read_csv(file, dtype="int64")


def read_counts(path: Path) -> dict[str, list[float]]:
    """Return the columns impressions and clicks of a CSV file.

    Parameters
    ----------
    path : Path
        The file; it may have other columns.

    Returns
    -------
    dict
        Column by name, as numbers: what `arms.Empirical.from_counts` takes.

    Raises
    ------
    InvalidArgument
        If the file cannot be read, lacks a column, or has something else than numbers in one.
    """
    columns: dict[str, list[float]] = {"impressions": [], "clicks": []}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            absent = [name for name in columns if name not in (rows.fieldnames or [])]
            if absent:
                found = ", ".join(map(repr, rows.fieldnames or []))
                raise InvalidArgument(f"the columns are {found}; allowed: 'impressions', 'clicks', and others")
            for row in rows:
                for name, column in columns.items():
                    try:
                        column.append(float(row[name]))
                    except (TypeError, ValueError) as error:
                        raise InvalidArgument(
                            f"line {rows.line_num}: {name} is {row[name]!r}; allowed: a whole number"
                        ) from error
    except OSError as error:
        raise InvalidArgument(f"nothing can be read ({error.strerror}: {str(path)!r}); allowed: a CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidArgument(f"something is wrong ({error}); allowed: CSV in UTF-8") from error
    return columns
