"""Plots: what is drawn, from numbers that the results hold."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy import stats

import banditlab as bl
from banditlab import arms, clicks, cvar, plotting, semibandits
from banditlab.arms import protocol as arms_protocol
from banditlab.clicks import protocol as clicks_protocol
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.results import resampling
from banditlab.cvar.mdp import protocol as mdp_protocol
from banditlab.dueling import protocol as dueling_protocol
from banditlab.dueling.contextual import protocol as contextual_protocol
from banditlab.inference import bootstrap, paired, performance_profile
from banditlab.inference.bootstrap import mean_band, stratified_band
from banditlab.plotting.style import OF_AN_ARM, axis_name
from banditlab.plotting.texts import short, wrapped
from banditlab.plotting.ticks import write_out
from banditlab.scoring import protocol as scoring_protocol
from banditlab.semibandits import protocol as semibandits_protocol

POLICIES = [arms.Uniform(), arms.UCB1(), arms.KLUCB()]
ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])
BOUND = r"asymptotic lower bound $C\,\log t$"


@pytest.fixture(scope="module")
def result():
    return bl.run(ENVIRONMENT, POLICIES, horizon=2000, n_runs=100, seed=3)


def test_lines_are_the_means_and_the_lower_bound(result):
    ax = result.plot()
    drawn = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    for k, label in enumerate(result.policies):
        np.testing.assert_array_equal(drawn[label], result.values()[k].mean(axis=0))
    np.testing.assert_array_equal(drawn[BOUND], result.lower_bound())
    assert len(ax.collections) == 3


def test_legend_has_names_that_begin_with_an_underscore_and_is_beside_many(result):
    policies = {f"_{k}": arms.UCB1(alpha=0.1 + 0.1 * k) for k in range(14)}
    many = bl.run(arms.Bernoulli([0.5, 0.4]), policies, horizon=50, n_runs=10, seed=0)
    for ax in (many.plot(lower_bound=False), performance_profile(many).plot()):
        ax.figure.draw_without_rendering()
        assert {t.get_text() for t in ax.get_legend().get_texts()} == set(policies)
        assert ax.get_legend().get_window_extent().x0 > ax.get_window_extent().x1
        assert ax.get_window_extent().width > 0.8 * 6.0 * ax.figure.dpi  # as wide as with few
        assert ax.figure.get_figwidth() > 6.5
    own = Figure(layout="constrained").add_subplot()
    assert many.plot(ax=own).figure.get_figwidth() == Figure().get_figwidth()
    swept = bl.sweep(world, {"_one": arms.UCB1}, {"gap": [0.1, 0.2]}, horizon=50, n_runs=5, seed=0)
    assert [t.get_text() for t in swept.plot("gap").get_legend().get_texts()] == ["_one"]


def test_legend_that_would_cover_a_line_is_beside_the_frame():
    over = {"gap": [0.1, 0.2], "alpha": [0.5, 2.0], "horizon": [300, 1_000]}
    swept = bl.sweep(world, [arms.UCB1, arms.ThompsonSampling()], over, n_runs=20, seed=0)
    beside, own = swept.plot("gap"), swept.plot("gap", ax=Figure().add_subplot())
    for ax in (beside, own):
        ax.figure.draw_without_rendering()
    assert beside.get_legend().get_window_extent().x0 > beside.get_window_extent().x1
    assert beside.figure.get_figwidth() > 6.5
    # where nothing makes room it could be cut off; there it has a background
    assert own.get_legend().get_window_extent().x1 < own.get_window_extent().x1
    assert own.get_legend().get_frame().get_visible()
    inside = bl.run(world(0.1), arms.UCB1(), horizon=500, n_runs=20, seed=0).plot(lower_bound=False)
    assert inside.get_legend().get_window_extent().x1 < inside.get_window_extent().x1


@pytest.mark.parametrize("inches", [4.5, 9.0])
def test_legend_that_would_cover_a_line_of_the_callers_axes_is_outside_of_the_frame(inches):
    players = {f"UCB1, alpha={k / 4}": arms.UCB1(alpha=k / 4) for k in range(1, 9)}
    many = bl.run(world(0.1), players, horizon=1_000, n_runs=10, seed=0)
    figure = Figure(figsize=(inches, 3.0), layout="constrained")
    ax = many.plot(ax=figure.add_subplot())
    figure.draw_without_rendering()
    legend, frame = ax.get_legend().get_window_extent(), ax.get_window_extent()
    below = inches < 7.0
    assert (legend.y1 < ax.xaxis.label.get_window_extent().y0) == below
    assert (legend.x0 > frame.x1) == (not below)
    assert min(legend.x0, legend.y0) >= 0.0
    assert max(legend.x1, frame.x1) <= figure.bbox.width
    assert frame.height > 0.3 * figure.bbox.height


def world(gap):
    return arms.Bernoulli([0.5, 0.5 - gap])


def looks(ax):
    """Return colour, dashes and marker of each line of a policy."""
    lines = [line for line in ax.get_lines() if not line.get_label().startswith("asymptotic")]
    return [(line.get_color(), str(line._dash_pattern), line.get_marker()) for line in lines]


def test_results_on_the_same_axes_look_different_and_share_their_bound():
    options = {"n_runs": 5, "seed": 0}
    one = bl.run(world(0.2), {"one": arms.UCB1()}, horizon=300, **options)
    for horizon in (300, 600):
        ax = one.plot()
        longer = bl.run(world(0.2), {"two": arms.KLUCB()}, horizon=horizon, **options)
        longer.plot(ax=ax, lower_bound=True)
        assert [t.get_text() for t in ax.get_legend().get_texts()].count(BOUND) == 1
        (bound,) = (line for line in ax.get_lines() if line.get_label() == BOUND)
        np.testing.assert_array_equal(bound.get_data(), [longer.checkpoints, longer.lower_bound()])
        assert looks(ax) == looks(bl.run(world(0.2), POLICIES, horizon=300, **options).plot())[:2]
        assert len({line.get_label() for line in ax.get_lines()}) == 3
    bl.run(world(0.3), {"three": arms.UCB1()}, horizon=300, **options).plot(ax=ax, lower_bound=True)
    assert len([line for line in ax.get_lines() if line.get_label() == BOUND]) == 2
    swept = Figure().add_subplot()
    for label in ("one", "two"):
        bl.sweep(world, {label: arms.UCB1}, {"gap": [0.1, 0.2]}, horizon=50, **options).plot("gap", ax=swept)
    profiles = Figure().add_subplot()
    for k in range(2):
        performance_profile([[1.0, 2.0 + k, 3.0]]).plot(ax=profiles)
    dies = Figure().add_subplot()
    for k in (1.0, 2.0):
        plotting.plot_distributions({f"{k}": cvar.Distribution([0.0, k], [0.5, 0.5])}, ax=dies)
    for ax in (swept, profiles, dies):
        assert len({line.get_color() for line in ax.get_lines() if len(line.get_xdata()) > 1}) == 2


def test_a_line_of_the_callers_takes_its_colour():
    ax = Figure().add_subplot()
    ax.plot([0, 1], [0, 1], color=plotting.COLOURS[0])
    bl.run(world(0.2), arms.UCB1(), horizon=50, n_runs=3, seed=0).plot(ax=ax, lower_bound=False)
    assert ax.get_lines()[1].get_color() == plotting.COLOURS[1]


def test_policies_are_chosen_coloured_and_named(result):
    last, first = result.policies[2], result.policies[0]
    colour, name = "tab:red", r"Uniform, $\frac{1}{K}$"
    ax = result.plot(policies=[last, first], colors={first: colour}, labels={first: name}, lower_bound=False)
    lines = ax.get_lines()
    assert [line.get_label() for line in lines] == [last, name]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [last, name]
    for line, band, label in zip(lines, ax.collections, (last, first), strict=True):
        k = result.policies.index(label)
        np.testing.assert_array_equal(line.get_ydata(), result.values()[k].mean(axis=0))
        assert to_hex(band.get_facecolor()[0]) == to_hex(line.get_color())
    assert [line.get_color() for line in lines] == [plotting.COLOURS[0], colour]
    without = result.plot(legend=False)
    assert without.get_legend() is None
    assert len(without.get_lines()) == 4
    summary = bl.run(ENVIRONMENT, POLICIES, horizon=50, n_runs=5, seed=3, keep="summary")
    drawn = summary.plot(policies=[last]).get_lines()[0]
    np.testing.assert_array_equal(drawn.get_ydata(), summary.statistics()[2].mean)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policies": ["UCB"]}, r"policies\[0\] is 'UCB'; allowed: one of \['Uniform', 'UCB1', 'KLUCB'\]"),
        ({"policies": ["UCB1", "UCB1"]}, r"policies\[1\] is 'UCB1'; allowed: each label once"),
        ({"policies": []}, r"policies is \[\]; allowed: one or more of \['Uniform'"),
        ({"policies": "UCB1"}, "policies is 'UCB1'; allowed: labels, as a list"),
        ({"colors": {"UCB": "red"}}, r"colors has the label 'UCB'; allowed: one of \['Uniform'"),
        ({"colors": {"UCB1": "rde"}}, r"colors\['UCB1'\] is 'rde'; allowed: a colour of matplotlib"),
        ({"colors": ["red"]}, r"colors is \['red'\]; allowed: a dict from a policy's label to a colour"),
        ({"labels": {"UCB": "U"}}, "labels has the label 'UCB'; allowed: one of"),
        ({"labels": {"UCB1": 1}}, r"labels\['UCB1'\] is 1; allowed: a text"),
        ({"legend": "no"}, "legend is 'no'; allowed: True or False"),
        ({"lower_bound": "yes"}, "lower_bound is 'yes'; allowed: True, False or 'auto'"),
    ],
)
def test_bad_choices_are_refused(result, options, message):
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        result.plot(**options)


def test_legend_keeps_what_other_sweeps_and_the_caller_have_drawn():
    ax = Figure().add_subplot()
    ax.plot([0.1, 0.2], [1.0, 2.0], "--", label="bound")
    ax.legend()
    options = {"horizon": 50, "n_runs": 5, "seed": 0}
    for label in ("_one", "two"):
        bl.sweep(world, {label: arms.UCB1}, {"gap": [0.1, 0.2]}, **options).plot("gap", ax=ax)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["bound", "_one", "two"]
    ax = Figure().add_subplot()
    once = bl.run(world(0.1), [arms.UCB1(), arms.Uniform()], **options)
    once.plot(ax=ax)
    first = ax.get_lines()[0]
    first.set_color("red")
    once.plot(ax=ax)
    colours = [handle.get_color() for handle in ax.get_legend().legend_handles]
    assert colours.count("red") == 1
    assert len(colours) == len(ax.get_lines())


def test_long_names_break_before_capitals():
    assert wrapped("DoubleThompsonSampling", 18) == "DoubleThompson\nSampling"
    assert wrapped("DoubleThompsonSampling", 22) == "DoubleThompsonSampling"
    assert wrapped("WinnerStaysStrong against DoubleThompsonSamplingPlus", 18).splitlines() == [
        "WinnerStaysStrong", "against", "DoubleThompson ...",
    ]  # fmt: skip
    assert wrapped("a" * 20, 18) == "a" * 18 + "\naa"


def test_axes_are_linear_where_values_are_not_positive():
    swept = bl.sweep(world, arms.UCB1(), {"gap": [0.0, 0.1, 0.2]}, horizon=50, n_runs=5, seed=0)
    ax = swept.plot("gap")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    for scale in ("xscale", "yscale"):
        with pytest.raises(InvalidArgument, match=rf"{scale} is 'log'; allowed: 'linear', as values of .* are not"):
            swept.plot("gap", **{scale: "log"})
    positive = bl.sweep(world, arms.UCB1(), {"gap": [0.1, 0.2]}, horizon=50, n_runs=5, seed=0).plot("gap")
    assert (positive.get_xscale(), positive.get_yscale()) == ("log", "log")


def test_long_names_leave_room_for_the_picture():
    name = "a policy whose name tells of everything that it does, and then goes on for a while"
    policies = {name: arms.UCB1(), name + " too": arms.Uniform()}
    found = bl.compare(policies, arms.Bernoulli([0.5, 0.4]), horizon=50, seed=0)
    played = bl.run(arms.Bernoulli([0.5, 0.4]), policies, horizon=50, n_runs=20, seed=0)
    for ax in (found.plot(), played.plot(), paired(played, name, name + " too").plot()):
        ax.figure.draw_without_rendering()
        assert ax.get_window_extent().width > 0.3 * ax.figure.bbox.width
        for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
            assert label.get_window_extent().x0 >= 0.0


def test_legend_is_ordered_by_final_value(result):
    texts = [t.get_text() for t in result.plot().get_legend().get_texts()]
    final = dict(zip(result.policies, result.values()[:, :, -1].mean(axis=1), strict=True))
    shown = [final[t] for t in texts if t in final]
    assert shown == sorted(shown, reverse=True)
    assert len(texts) == 4


def test_takes_axes_and_scales(result):
    ax = Figure().add_subplot()
    assert result.plot(ax=ax, xscale="log", yscale="log") is ax
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    with pytest.raises(InvalidArgument, match="xscale is 'loglog'; allowed: one of 'linear', 'log'"):
        result.plot(xscale="loglog")


def test_lower_bound_far_above_the_curves_is_left_out_of_a_linear_axis():
    short = bl.run(arms.Bernoulli([0.5, 0.499]), arms.UCB1(), horizon=500, n_runs=10, seed=3)
    assert short.lower_bound()[-1] > 100 * short.values().mean(axis=1).max()
    assert [line.get_label() for line in short.plot().get_lines()] == ["UCB1"]
    assert len(short.plot(yscale="log").get_lines()) == 2
    assert [line.get_label() for line in short.plot(lower_bound=True).get_lines()] == ["UCB1", BOUND]


def test_on_a_logarithmic_axis_lines_begin_where_they_are_positive():
    best_first = bl.run(arms.Bernoulli([0.9, 0.5]), arms.UCB1(), horizon=500, n_runs=5, seed=0)
    for line in best_first.plot(xscale="log", yscale="log").get_lines():
        drawn = line.get_ydata()
        assert np.isnan(drawn[0])
        assert (drawn[2:] > 0.0).all()


def test_without_lower_bound(result):
    assert len(result.plot(lower_bound=False).get_lines()) == 3


def test_lines_differ_in_more_than_colour(result):
    lines = result.plot().get_lines()[:3]
    assert len({str(line.get_linestyle()) + str(line.get_marker()) for line in lines}) == 3


def test_twelve_policies_all_look_different():
    policies = {f"p{k}": arms.EpsilonGreedy(k / 20) for k in range(12)}
    lines = (
        bl.run(arms.Bernoulli([0.2, 0.5]), policies, horizon=20, n_runs=3, seed=0).plot(lower_bound=False).get_lines()
    )
    looks = {(line.get_color(), str(line._dash_pattern), line.get_marker()) for line in lines}
    assert len(looks) == 12
    assert len({(colour, marker) for colour, _, marker in looks}) == 12
    assert len({(colour, dashes) for colour, dashes, _ in looks}) == 12


def test_leaves_pyplot_alone():
    """A process of its own: another test may have imported it here."""
    code = (
        "import sys, banditlab as bl; from banditlab import arms\n"
        "bl.run(arms.Bernoulli([.2, .5]), arms.UCB1(), horizon=10, n_runs=2, seed=0, backend='python').plot()\n"
        "assert 'matplotlib.figure' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_writes_a_picture(result, tmp_path):
    for name in ("r.png", "r.pdf", "r.svg"):
        result.plot().figure.savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5000


def test_a_metric_that_some_run_of_each_policy_lacks_is_no_empty_picture():
    env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.9, 0.55])
    asked = ("regret", "screening_round")
    played = bl.run(env, clicks.UCBS(), horizon=10, n_runs=3, seed=0, metrics=asked)
    with pytest.raises(
        InvalidArgument, match=r"metric is 'screening_round\[0\]'; allowed: one that all runs of some pol"
    ):
        played.plot("screening_round[0]")
    assert played.summary("screening_round[0]")["mean"].isna().all()


def test_a_logarithmic_axis_without_anything_positive_is_refused():
    never = bl.run(arms.Bernoulli([0.5, 0.5]), {"never": arms.UCB1()}, horizon=100, n_runs=3, seed=0)
    with pytest.raises(InvalidArgument, match="yscale is 'log'; allowed: 'linear', as the mean regret is never pos"):
        never.plot(xscale="log", yscale="log")
    ax = bl.run(world(0.2), arms.UCB1(), horizon=100, n_runs=3, seed=0).plot(yscale="log")
    never.plot(ax=ax, yscale="log")  # there is something to see
    assert "never (never above 0)" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_line_that_cannot_be_seen_says_why():
    safe = semibandits.SafeUpToM(2, budget=0.4, variances=[0.25, 0.25, 0.25])
    world = semibandits.SemiBandit(arms.Bernoulli([0.2, 0.5, 0.5]), safe)
    players = {"safe": semibandits.CombUCB1(), "wide": semibandits.CombUCB1(actions=semibandits.MSets(2))}
    played = bl.run(world, players, horizon=10, n_runs=9, seed=0, metrics="violations")

    def legend(yscale):
        return {text.get_text() for text in played.plot("violations", yscale=yscale).get_legend().get_texts()}

    assert legend("linear") == {"safe", "wide"}
    assert legend("log") == {"safe (never above 0)", "wide"}


class TestMeanBand:
    @pytest.mark.parametrize("n", [2, 5, 10, 60])
    def test_covers_at_its_level(self, n):
        repeats = 1500  # the percentile interval covers 51%, 83%, 90% and 94.5%
        generator = np.random.default_rng(0)
        hits = 0
        for _ in range(repeats):
            low, high = mean_band(generator.normal(size=(n, 1)), n_resamples=1000)
            hits += low[0] <= 0.0 <= high[0]
        assert abs(hits / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)

    def test_is_that_of_one_environment(self):
        for n in (4, 30):
            values = np.random.default_rng(n).exponential(size=(n, 3))
            np.testing.assert_allclose(mean_band(values, n_resamples=2000), stratified_band(values[None]))

    def test_width_is_that_of_the_normal_interval(self):
        values = np.random.default_rng(1).normal(size=(400, 3))
        low, high = mean_band(values, n_resamples=4000)
        normal = 2 * 1.96 * values.std(axis=0) / 20
        np.testing.assert_allclose(high - low, normal, rtol=0.06)

    def test_of_many_runs_it_is_students_which_is_the_bootstraps(self, monkeypatch):
        values = np.random.default_rng(2).exponential(size=(resampling.MOST_RUNS + 1, 1))
        low, high = mean_band(values)
        students = stats.ttest_1samp(values[:, 0], 0.0).confidence_interval(0.95)
        np.testing.assert_allclose([low[0], high[0]], [students.low, students.high], rtol=1e-12)
        monkeypatch.setattr(resampling, "MOST_RUNS", len(values))
        resampled = mean_band(values, n_resamples=1000)
        assert resampled[0] != low
        error = 0.043 * (high - low)[0] / 2  # of a quantile of 1,000 resamples
        np.testing.assert_allclose(np.ravel(resampled), [low[0], high[0]], rtol=0.0, atol=4 * error)

    def test_single_run(self):
        low, high = mean_band(np.array([[1.0, 2.0]]))
        assert low.tolist() == high.tolist() == [1.0, 2.0]

    def test_same_seed_same_band(self):
        values = np.random.default_rng(1).normal(size=(40, 3))
        np.testing.assert_array_equal(mean_band(values), mean_band(values))

    @pytest.mark.parametrize("block", [10, 1_000, 10**6], ids=["resample by resample", "in blocks", "at once"])
    def test_resamples_are_drawn_once_for_all_policies_of_a_picture(self, result, monkeypatch, block):
        monkeypatch.setattr(resampling, "COUNTS_A_BLOCK", block)
        alone = [mean_band(runs, n_resamples=50) for runs in result.values()]
        drawn = []

        class Counting(np.random.Generator):
            def integers(self, high, size):
                drawn.append(size[0])
                return super().integers(high, size=size)

        monkeypatch.setattr(bootstrap.np.random, "default_rng", lambda seed: Counting(np.random.PCG64(seed)))
        bands = [found.get_paths()[0].vertices for found in result.plot(n_resamples=50).collections]
        assert sum(drawn) == 50
        for (low, high), vertices in zip(alone, bands, strict=True):
            rounds = len(result.checkpoints)
            np.testing.assert_array_equal(vertices[1 : rounds + 1, 1], low)
            np.testing.assert_array_equal(vertices[rounds + 2 : 2 * rounds + 2, 1][::-1], high)

    @pytest.mark.parametrize("bad", [{"level": 0}, {"level": 1.0}, {"n_resamples": 1}])
    def test_bad_arguments(self, bad):
        with pytest.raises(InvalidArgument):
            mean_band(np.ones((3, 2)), **bad)
        assert plotting.MARKERS

    def test_bad_values(self):
        with pytest.raises(InvalidArgument, match="values has shape"):
            mean_band(np.ones(3))


class TestTitle:
    def test_sizes_stand_under_a_title_of_the_users(self, result):
        assert result.plot(title="Three arms").get_title() == "Three arms\n$T$ = 2,000, 100 runs"
        assert result.plot().get_title() == "Bernoulli([0.2, 0.5, 0.4]), $T$ = 2,000, 100 runs"
        assert result.plot(title="").get_title() == ""

    def test_long_names_lose_their_numbers_first(self):
        world = semibandits.SemiBandit(arms.Bernoulli([0.1, 0.2, 0.3, 0.4, 0.5]), semibandits.MSets(2))
        played = bl.run(world, semibandits.CombUCB1(), horizon=20, n_runs=1, seed=0)
        assert played.plot().get_title() == "SemiBandit(Bernoulli([...]), MSets(2)), $T$ = 20, 1 run"


class TestTicks:
    @pytest.mark.parametrize(
        ("top", "expected"),
        [
            (1.0, ["0.0", "0.5", "1.0"]),
            (1_000.0, ["0", "500", "1,000"]),
            (20_000.0, ["0", "10,000", "20,000"]),
            (1e6, ["0", "500,000", "1,000,000"]),
            (2e6, ["0", "1\N{NO-BREAK SPACE}M", "2\N{NO-BREAK SPACE}M"]),
            (5e9, ["0", "2.5\N{NO-BREAK SPACE}G", "5\N{NO-BREAK SPACE}G"]),
        ],
    )
    def test_numbers_are_written_out(self, top, expected):
        ax = Figure().add_subplot()
        ax.set_xlim(0, top)
        ax.set_xticks([0, top / 2, top])
        write_out(ax.xaxis)
        ax.figure.draw_without_rendering()
        assert [label.get_text() for label in ax.get_xticklabels()] == expected
        assert ax.xaxis.get_offset_text().get_text() == ""

    @pytest.mark.parametrize("inches", [1.5, 3.0, 5.0, 6.4])
    def test_labels_do_not_run_into_each_other(self, inches):
        figure = Figure(figsize=(inches, 3.0))
        ax = figure.add_subplot()
        ax.set_xlim(0, 20_000)
        write_out(ax.xaxis)
        figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
        assert len(boxes) >= 2
        for left, right in itertools.pairwise(boxes):
            assert right.x0 - left.x1 > 0.3 * left.height

    @pytest.mark.parametrize("low", [999_999.0, 1e6, 2_500_000.0, 1e9, -3e7])
    def test_numbers_that_are_close_are_told_apart(self, low):
        ax = Figure().add_subplot()
        ax.set_xlim(low, low + 2.0)
        write_out(ax.xaxis)
        ax.figure.draw_without_rendering()
        labels = [label.get_text() for label in ax.get_xticklabels()]
        assert len(set(labels)) == len(labels)

    def test_numbers_without_a_name_have_a_factor(self):
        ax = Figure().add_subplot()
        ax.set_xlim(0, 1e300)
        write_out(ax.xaxis)
        ax.figure.draw_without_rendering()
        assert [label.get_text() for label in ax.get_xticklabels()] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        assert "300" in ax.xaxis.get_offset_text().get_text()

    def test_no_factor_stands_beside_the_axes_of_a_result(self):
        ax = bl.run(arms.Bernoulli([0.0, 1.0]), arms.Uniform(), horizon=300_000, n_runs=2, seed=0).plot()
        ax.figure.draw_without_rendering()
        assert "300,000" in [label.get_text() for label in ax.get_xticklabels()]
        assert not ax.xaxis.get_offset_text().get_text() + ax.yaxis.get_offset_text().get_text()

    def test_logarithmic_axes_have_powers(self, result):
        ax = result.plot(xscale="log")
        ax.figure.draw_without_rendering()
        assert any("10^{3}" in label.get_text() for label in ax.get_xticklabels())


def test_titles_leave_out_arrays_and_rounds_of_mdps_are_episodes():
    mdp = cvar.random_mdp(n_states=2, n_actions=2, horizon=2, seed=0)
    result = bl.run(mdp, cvar.UCBVI(), horizon=20, n_runs=2, seed=0, metrics="cvar_regret[1]", backend="python")
    ax = result.plot()
    assert ax.get_title().startswith("TabularMDP, ")
    assert ax.get_xlabel() == "episode $t$"
    assert short("PreferenceMatrix(<10 x 10 array>)") == "PreferenceMatrix"
    assert short("Bernoulli([0.1, 0.9])") == "Bernoulli([0.1, 0.9])"


def test_long_titles_are_not_cut_in_the_middle_of_an_argument():
    clicked = "StrategicClickBandit([0.7, 0.6, 0.5], [0.8, 0.65, 0.5], utility=Revenue(annoyance=3, other=2))"
    assert short(clicked) == "StrategicClickBandit([...], [...], ...)"
    halves = [arms.Bernoulli([0.8, 0.4, 0.5]), arms.Bernoulli([0.2, 0.4, 0.7]), arms.Bernoulli([0.3, 0.9, 0.5])]
    assert short(repr(arms.PiecewiseStationary(halves, [1001, 2001]))) == "PiecewiseStationary(...)"
    assert short("a label of the caller's (with brackets), of which there is too much") == (
        "a label of the caller's (with brackets), of w..."
    )


METRICS = {
    "arms": arms_protocol.METRICS,
    "clicks": clicks_protocol.METRICS,
    "contextual": tuple(contextual_protocol.METRICS),
    "cvar": ("cvar_regret",),
    "dueling": dueling_protocol.METRICS,
    "mdp": (*mdp_protocol.PLAIN, *mdp_protocol.AT_A_LEVEL),
    "scoring": scoring_protocol.METRICS,
    "semibandits": semibandits_protocol.METRICS,
}


@pytest.mark.parametrize("metric", sorted({metric for metrics in METRICS.values() for metric in metrics}))
def test_axes_say_in_words_what_every_metric_is(metric):
    words = axis_name(f"{metric}[3]" if metric in OF_AN_ARM else metric)
    assert words != metric
    assert "_" not in words.partition("$")[0]
    assert "[" not in words
    if "cvar" in metric:
        assert axis_name(f"{metric}[0.1]") == f"{words} at level 0.1"


def test_axes_name_the_level_of_the_policies_where_the_metric_has_none():
    coins = arms.Categorical([0.0, 0.5, 1.0], [[0.1, 0.5, 0.4], [0.2, 0.2, 0.6]])
    size = {"horizon": 5, "n_runs": 2, "seed": 0, "backend": "python"}
    alike = [cvar.UUCB(tau=0.25), cvar.BrownUCB(tau=0.25)]
    words = "cumulative CVaR regret at"
    assert bl.run(coins, alike, **size).plot().get_ylabel() == f"{words} level 0.25"
    assert bl.run(coins, [*alike, cvar.UUCB(tau=0.5)], **size).plot().get_ylabel() == f"{words} each policy's level"
    swept = bl.sweep(coins, cvar.UUCB, {"tau": [0.25, 0.5], "high": [1.0, 2.0]}, progress=False, **size)
    assert swept.plot("tau").get_ylabel() == f"{words} each policy's level"
    assert swept.plot("high", where={"tau": 0.5}).get_ylabel() == f"{words} level 0.5"


class TestDistributions:
    COIN = cvar.Distribution([0.0, 1.0], [0.25, 0.75])
    DIE = cvar.Distribution([0.0, 0.5, 2.0], [0.5, 0.5, 0.0])

    def test_the_steps_are_the_distribution_function(self):
        ax = plotting.plot_distributions({"coin": self.COIN, "die": self.DIE}, tau=0.5)
        coin, die = (line for line in ax.get_lines() if line.get_label() in ("coin", "die"))
        assert coin.get_drawstyle() == "steps-post"
        assert coin.get_xydata()[1:-1].tolist() == [[0.0, 0.25], [1.0, 1.0]]
        assert die.get_xydata()[1:-1].tolist() == [[0.0, 0.5], [0.5, 1.0]]  # what never happens is no step
        marks = [line.get_xydata()[0].tolist() for line in ax.get_lines() if len(line.get_xdata()) == 1]
        assert marks == [[0.5, 0.5], [0.0, 0.5]]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["coin", "die"]

    @pytest.mark.parametrize(("tau", "side"), [(0.05, "right"), (0.8, "left")])
    def test_no_curve_runs_through_what_the_level_is_called(self, tau, side):
        early = cvar.Distribution([0.0, 0.4, 10.0], [0.3, 0.3, 0.4])
        late = cvar.Distribution([1.0, 9.0, 10.0], [0.3, 0.3, 0.4])
        ax = plotting.plot_distributions({"early": early, "late": late}, tau=tau)
        ax.figure.draw_without_rendering()
        (words,) = ax.texts
        assert words.get_ha() == side
        box = words.get_window_extent().transformed(ax.transData.inverted())
        for returns in (early, late):
            crossings = returns.quantile([tau, min(box.y1, 1.0)])
            assert not ((box.x0 < crossings) & (crossings < box.x1)).any()

    def test_one_alone_needs_no_legend(self):
        assert self.COIN.plot().get_legend() is None
        assert cvar.Distribution([3.0], [1.0]).plot(tau=1.0).get_xlim() == (2.0, 4.0)

    @pytest.mark.parametrize("value", [3, {}, {"a": 3}])
    def test_other_things_are_refused(self, value):
        with pytest.raises(InvalidType, match=r"distributions is .*; allowed: a cvar.Distribution"):
            plotting.plot_distributions(value)

    def test_levels_are_checked(self):
        with pytest.raises(InvalidArgument, match=r"tau is 0; allowed: a number in \(0, 1\]"):
            self.COIN.plot(tau=0)


@pytest.mark.parametrize(("n", "labels", "edges"), [(12, 12, 1), (30, 6, 1), (31, 6, 0)])
def test_a_heatmap_of_many_cells_shows_them_and_not_labels_and_lines(n, labels, edges):
    over = {"alpha": [1 / 3 + k for k in range(n)], "delta": [0.1, 0.2]}
    swept = bl.sweep(lambda delta: arms.Bernoulli([0.5, 0.5 - delta]), arms.UCB1, over, horizon=2, n_runs=1, seed=0)
    ax = swept.plot("alpha", y="delta")
    assert len(ax.get_xticklabels()) == labels
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.1", "0.2"]
    last = 1 / 3 + ax.get_xticks()[-1] - 0.5
    assert ax.get_xticklabels()[-1].get_text() == (f"{last:g}" if n == labels else f"{last:.4g}")
    assert len(ax.collections[0].get_edgecolor()) == edges


def test_the_colours_of_a_heatmap_are_told_in_numbers():
    def gap(delta, n_arms):
        return arms.Bernoulli([0.5] + [0.5 - delta] * (n_arms - 1))

    over = {"delta": [0.1, 0.2], "n_arms": [2, 5]}
    swept = bl.sweep(gap, arms.RoundRobin(), over, horizon=100, n_runs=2, seed=0, progress=False)  # 5, 8, 10 and 16
    ax = swept.plot("delta", y="n_arms")
    ax.figure.canvas.draw()
    bar = next(other for other in ax.figure.axes if other is not ax)
    assert {"5", "10"} <= {label.get_text() for label in bar.get_yticklabels()}


def test_two_plots_share_axes():
    worlds = {"a": arms.Bernoulli([0.2, 0.5, 0.4]), "b": arms.Bernoulli([0.9, 0.1])}
    both = bl.run(worlds, arms.Uniform(), horizon=99, n_runs=5, seed=0)
    ax = Figure().add_subplot()
    both.plot(environment="a", ax=ax, lower_bound=False)
    both.plot(environment="b", ax=ax, lower_bound=False)
    assert ax.get_ylim()[1] > both.values(environment="b").mean(axis=1).max()
    assert len(ax.get_legend().get_texts()) == 2
