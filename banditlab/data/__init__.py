"""Real data that comes with the package.

See the file README.md in this folder for where it comes from and under what licence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
        One row an item. Columns, all int64: item_id, impressions, clicks.

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
    return pd.read_csv(Path(__file__).with_name(f"open_bandit_{name}.csv"), dtype="int64")
