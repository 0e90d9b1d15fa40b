import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import banditlab
from banditlab import arms, data, errors

# totals counted by hand (awk) from the files
TOTALS = {"men": (34, 10_000, 46), "women": (46, 10_000, 46)}


@pytest.mark.parametrize("campaign", data.CAMPAIGNS)
def test_open_bandit_has_the_published_sizes(campaign):
    frame = data.open_bandit(campaign)
    assert list(frame.columns) == ["item_id", "impressions", "clicks"]
    assert all(dtype == "int64" for dtype in frame.dtypes)
    assert (len(frame), frame["impressions"].sum(), frame["clicks"].sum()) == TOTALS[campaign]
    assert frame["item_id"].tolist() == list(range(len(frame)))
    assert (frame["clicks"] <= frame["impressions"]).all()


def test_open_bandit_is_read_from_a_zip_file(tmp_path):
    package = Path(banditlab.__file__).parent
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        for path in sorted({*package.rglob("*.py"), *package.rglob("*.csv")}):
            file.write(path, path.relative_to(package.parent))
    code = "from banditlab import data; print(len(data.open_bandit()), data.__file__)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "z.zip")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"34 {tmp_path}"), done.stderr


def test_the_default_campaign_is_men():
    assert data.open_bandit().equals(data.open_bandit("men"))


def test_it_makes_an_environment_with_the_click_rates():
    frame = data.open_bandit("women")
    environment = arms.Empirical.from_counts(frame["impressions"], frame["clicks"])
    assert environment.means == pytest.approx((frame["clicks"] / frame["impressions"]).to_numpy())


@pytest.mark.parametrize("campaign", ["Men", "", None, 0])
def test_other_campaigns_are_refused(campaign):
    with pytest.raises(errors.InvalidArgument, match=r"campaign is .*; allowed: one of 'men', 'women'"):
        data.open_bandit(campaign)


def test_the_attribution_is_kept():
    for text in (Path(data.__file__).with_name("README.md").read_text(), data.open_bandit.__doc__):
        for word in ("Open Bandit Dataset", "Saito", "Aihara", "Matsutani", "Narita", "ZOZO", "CC BY 4.0", "obp"):
            assert word in text
