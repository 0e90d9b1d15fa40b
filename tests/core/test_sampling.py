"""The bit stream against NumPy's, seeding, and every sampler against scipy.stats and its own plain Python."""

import math

import numba
import numpy as np
import pytest
from scipy import stats

from banditlab.core import sampling

DRAWS = 4_000 if numba.config.DISABLE_JIT else 200_000
LANES = 100
ALARM = 1e-5  # with fixed seeds these p-values never change; a wrong sampler gives far smaller ones

pytestmark = pytest.mark.usefixtures("silent")


def loop(sampler):
    """Return a compiled loop that fills an array (draws, lanes) with a sampler of no arguments."""

    @numba.njit(error_model="numpy")
    def fill(rng, out):
        for i in range(out.shape[0]):
            for w in range(out.shape[1]):
                out[i, w] = sampler(rng, w)

    return fill


def loop_of_one(sampler):
    """As `loop`, for a sampler with one argument."""

    @numba.njit(error_model="numpy")
    def fill(rng, out, a):
        for i in range(out.shape[0]):
            for w in range(out.shape[1]):
                out[i, w] = sampler(rng, w, a)

    return fill


def loop_of_two(sampler):
    """As `loop`, for a sampler with two arguments."""

    @numba.njit(error_model="numpy")
    def fill(rng, out, a, b):
        for i in range(out.shape[0]):
            for w in range(out.shape[1]):
                out[i, w] = sampler(rng, w, a, b)

    return fill


raws, uniforms, open_uniforms = loop(sampling.raw), loop(sampling.uniform), loop(sampling.open_uniform)
normals, exponentials = loop(sampling.normal), loop(sampling.exponential)
gammas, log_gammas = loop_of_one(sampling.gamma), loop_of_one(sampling.log_gamma_variate)
integers, indices = loop_of_one(sampling.below), loop_of_one(sampling.categorical)
betas, binomials = loop_of_two(sampling.beta), loop_of_two(sampling.binomial)


@numba.njit(error_model="numpy")
def lanes_of_betas(rng, a, b, out):
    for i in range(out.shape[0]):
        sampling.fill_beta(rng, a, b, 0, out[i])


@numba.njit(error_model="numpy")
def lanes_of_gammas(rng, shapes, out):
    for i in range(out.shape[0]):
        sampling.fill_gamma(rng, shapes, 0, out[i])


@numba.njit(error_model="numpy")
def expanded_betas(u, a, b, out):
    for i in range(u.shape[0]):
        out[i] = sampling.expanded_beta(u[i], a, b)


@numba.njit(error_model="numpy")
def expanded_numbers(u, out):
    for i in range(out.shape[0]):
        bits = sampling.key(u[i])
        for k in range(out.shape[1]):
            out[i, k] = sampling.expanded(bits, k)


def draws(fill, *arguments, seed=0, n=None, dtype=np.float64):
    out = np.empty(((n or DRAWS) // LANES, LANES), dtype)
    fill(sampling.seeded(seed, 7, 0, LANES), out, *arguments)
    return out


def uniforms_in_order(n, seed=0):
    """Return numbers such as an environment receives."""
    out = np.empty((n // LANES, LANES))
    open_uniforms(sampling.seeded(seed, sampling.ENVIRONMENT_STREAM, 0, LANES), out)
    return out.ravel()


def agrees(values, distribution):
    """Assert that a Kolmogorov-Smirnov test does not tell values from a continuous distribution."""
    assert np.isfinite(values).all()
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > ALARM


def agrees_discrete(values, distribution):
    """Assert that a chi-square test does not tell integer values from a discrete distribution; tails are pooled."""
    values = values.ravel()
    low, high = int(distribution.ppf(1e-3)), int(distribution.ppf(1 - 1e-3))
    inner = np.arange(low, high)
    # cells (-inf, low], low + 1, ..., high - 1, [high, inf); narrow ones are joined with their neighbours
    expected = np.diff(np.concatenate([[0.0], distribution.cdf(inner), [1.0]])) * len(values)
    observed = np.bincount(np.searchsorted(inner, values), minlength=len(inner) + 1)
    group = np.minimum(np.floor((np.cumsum(expected) - expected) / 20.0), expected.sum() / 20.0 - 1).astype(int)
    group = np.unique(group, return_inverse=True)[1]
    wanted, found = np.bincount(group, expected), np.bincount(group, observed)
    if len(wanted) == 1:
        pytest.fail("one cell only: this distribution needs an exact test")
    statistic = ((found - wanted) ** 2 / wanted).sum()
    assert stats.chi2.sf(statistic, len(wanted) - 1) > ALARM


# ------------------------------------------------------------------------------------- stream and seeds


def numpy_generators(states):
    found = []
    for column in states.T:
        generator = np.random.SFC64()
        generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": column.copy()},
            "has_uint32": 0,
            "uinteger": 0,
        }
        found.append(generator)
    return found


def test_bits_are_those_of_numpy_sfc64():
    states = sampling.seeded(2**64 - 1, 3, 10, 5)
    expected = np.stack([g.random_raw(1000) for g in numpy_generators(states)], axis=1)
    out = np.empty((1000, 5), np.uint64)
    raws(states, out)
    assert (out == expected).all()


def test_the_state_after_many_draws_is_numpys():
    states = sampling.seeded(5, 0, 0, 3)
    generators = numpy_generators(states)
    raws(states, np.empty((257, 3), np.uint64))
    for lane, generator in enumerate(generators):
        generator.random_raw(257)
        assert (generator.state["state"]["state"] == states[:, lane]).all()


def test_uniform_is_numpys_random():
    states = sampling.seeded(8, 1, 0, 4)
    expected = np.stack([np.random.Generator(g).random(500) for g in numpy_generators(states)], axis=1)
    out = np.empty((500, 4))
    uniforms(states, out)
    assert (out == expected).all()


def test_open_uniform_has_midpoints_of_cells():
    u = draws(open_uniforms)
    cells = u * 2.0**52 - 0.5
    assert (cells == np.floor(cells)).all()
    assert cells.min() >= 0.0
    assert cells.max() < 2.0**52


def test_any_chunk_is_a_slice_of_the_whole():
    whole = sampling.seeded(42, 1, 0, 1000)
    for first, n in ((0, 1), (0, 128), (1, 1), (128, 128), (333, 600), (999, 1)):
        assert (sampling.seeded(42, 1, first, n) == whole[:, first : first + n]).all()


def test_far_runs_are_reached_at_once():
    far = sampling.seeded(42, 1, 10**15, 3)
    assert (far[:, 1:] == sampling.seeded(42, 1, 10**15 + 1, 2)).all()


def test_seeds_are_one_philox_stream():
    words = np.random.Philox(key=np.array([11, 2], dtype=np.uint64)).random_raw(40).reshape(10, 4)
    assert (sampling.seeded(11, 2, 0, 10) == words.T).all()


@pytest.mark.parametrize(
    ("seed", "stream", "first"), [(0, 0, 0), (11, 2, 1), (2**64 - 1, 1, 10**15), (2**63, 0, 2**53 - 20_000)]
)
def test_many_runs_are_seeded_as_few_are(seed, stream, first):
    n = sampling.MANY + 5
    many = sampling.seeded(seed, stream, first, n)
    halves = [sampling.seeded(seed, stream, first + start, n - n // 2) for start in (0, n // 2)]
    assert n - n // 2 < sampling.MANY
    assert (many == np.concatenate([halves[0][:, : n // 2], halves[1]], axis=1)).all()


def test_seeds_streams_and_runs_differ():
    states = [sampling.seeded(seed, stream, 0, 200) for seed in (0, 1, 2**63, 2**64 - 1) for stream in (0, 1)]
    columns = np.concatenate(states, axis=1).T
    assert len(np.unique(columns, axis=0)) == len(columns)
    out = np.empty((1, columns.shape[0]))
    uniforms(np.ascontiguousarray(columns.T), out)
    assert len(np.unique(out)) == columns.shape[0]


def test_first_draws_of_consecutive_runs_are_independent_uniforms():
    out = np.empty((2, 50_000 if DRAWS > 50_000 else 2_000))
    uniforms(sampling.seeded(0, 0, 0, out.shape[1]), out)
    agrees(out[0], stats.uniform())
    for x, y in ((out[0, :-1], out[0, 1:]), (out[0], out[1])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 4.5 / np.sqrt(len(x))


def test_a_million_lanes_are_seeded_at_once():
    states = sampling.seeded(3, 0, 0, 1_000_000)
    assert states.shape == (4, 1_000_000)
    assert states.flags.c_contiguous
    assert (states[:, 654_321:654_449] == sampling.seeded(3, 0, 654_321, 128)).all()


# ---------------------------------------------------------------------------------------------- samplers


def test_uniforms_fit():
    agrees(draws(uniforms), stats.uniform())
    agrees(draws(open_uniforms, seed=1), stats.uniform())


def test_normals_fit():
    agrees(draws(normals), stats.norm())


def test_exponentials_fit():
    agrees(draws(exponentials), stats.expon())


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_integers_below_fit(n):
    values = draws(integers, n, dtype=np.int64)
    assert values.min() >= 0
    assert values.max() < n
    if n > 1:
        agrees_discrete(values, stats.randint(0, n))


@pytest.mark.parametrize("shape", [0.05, 0.3, 0.999, 1.0, 1.001, 2.5, 30.0, 1e4])
def test_gammas_fit(shape):
    agrees(draws(gammas, shape), stats.gamma(shape))


@pytest.mark.parametrize("shape", [1e-3, 0.05, 1.0, 50.0])
def test_logarithms_of_gammas_fit_where_gammas_underflow(shape):
    values = draws(log_gammas, shape)
    agrees(values, stats.loggamma(shape))


BETA_SHAPES = [
    (1.0, 1.0),
    (1.0, 7.0),
    (50.0, 1.0),
    (2.0, 3.0),
    (0.5, 0.5),
    (0.05, 2.0),
    (0.3, 1000.0),
    (1e-3, 1e-3),
    (1e4, 3e4),
    (1e6, 1.5),
    (1.0, 0.2),
]


def fits_beta(values, a, b):
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    if min(a, b) > 0.04:
        # near 1 the spacing of floats is coarse: where b is small, compare on the side where numbers are fine
        inner = values[(values > 0.0) & (values < 1.0 - 1e-12)]
        low, high = stats.beta(a, b).cdf([0.0, 1.0 - 1e-12])
        agrees_within = lambda x: (stats.beta(a, b).cdf(x) - low) / (high - low)  # noqa: E731
        assert stats.kstest(inner.ravel(), agrees_within).pvalue > ALARM
        missing = stats.binomtest(values.size - inner.size, values.size, min(max(1.0 - (high - low), 0.0), 1.0))
        assert missing.pvalue > ALARM
    else:
        # all but two points of mass: the ends, with probabilities b/(a+b) and a/(a+b) up to what lies between
        for end, mass in (((values < 1e-6), stats.beta(a, b).cdf(1e-6)), ((values > 0.5), stats.beta(a, b).sf(0.5))):
            assert stats.binomtest(int(end.sum()), values.size, mass).pvalue > ALARM


@pytest.mark.parametrize(("a", "b"), BETA_SHAPES)
def test_betas_fit(a, b):
    fits_beta(draws(betas, a, b), a, b)


@pytest.mark.parametrize(("a", "b"), BETA_SHAPES)
def test_expanded_betas_fit(a, b):
    u = uniforms_in_order(DRAWS)
    out = np.empty(len(u))
    expanded_betas(u, a, b, out)
    fits_beta(out, a, b)
    again = np.empty(len(u))
    expanded_betas(u[::-1].copy(), a, b, again)
    assert (again[::-1] == out).all()  # a function of u alone


def test_expanded_numbers_are_independent_uniforms():
    u = uniforms_in_order(50_000 if DRAWS > 50_000 else 2_000)
    out = np.empty((len(u), 6))
    expanded_numbers(u, out)
    assert out.min() > 0.0
    assert out.max() < 1.0
    for k in range(6):
        agrees(out[:, k], stats.uniform())
    correlations = np.corrcoef(np.column_stack([u, out]), rowvar=False)[np.triu_indices(7, 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(len(u))
    assert np.abs(np.corrcoef(out[:-1, 0], out[1:, 0])[0, 1]) < 4.5 / np.sqrt(len(u))


def test_neighbouring_numbers_expand_to_unrelated_ones():
    u = 0.5 + np.arange(1, 2_001) * 2.0**-52
    out = np.empty((len(u), 2))
    expanded_numbers(u, out)
    agrees(out[:, 0], stats.uniform())
    assert np.abs(np.corrcoef(out[:-1, 0], out[1:, 0])[0, 1]) < 4.5 / np.sqrt(len(u))


def test_fill_open_uniform_gives_what_open_uniform_gives_and_leaves_the_generator_there():
    ours, theirs = sampling.seeded(4, 1, 7, 3), sampling.seeded(4, 1, 7, 3)
    got = np.empty(50)
    sampling.fill_open_uniform(ours, 1, got)
    assert got.tolist() == [sampling.open_uniform(theirs, 1) for _ in range(50)]
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [1.0, 1.5, 30.0, 1e6])
def test_gammas_are_accepted_by_the_exact_test_whatever_the_quick_one_says(shape):
    ours, theirs = sampling.seeded(4, 1, 7, 1), sampling.seeded(4, 1, 7, 1)
    d = shape - 1.0 / 3.0
    for _ in range(3_000):
        while True:
            x, u = sampling.normal(theirs, 0), sampling.open_uniform(theirs, 0)
            w = 1.0 + 1.0 / math.sqrt(9.0 * d) * x
            if sampling._gamma_accepts(d, x, w * w * w, u):
                break
        assert sampling.gamma(ours, 0, shape) == d * (w * w * w)


@pytest.mark.parametrize("lanes", [5, 64, 71])
def test_fill_gamma_gives_each_lane_what_gamma_gives(lanes):
    shapes = 10.0 ** np.random.default_rng(0).uniform(0, 3, (1, lanes))
    shapes[0, 0] = 1.0
    filled, states = np.empty((200, lanes)), sampling.seeded(9, 1, 0, lanes)
    lanes_of_gammas(states, shapes, filled)
    single, others = np.empty((200, 1)), sampling.seeded(9, 1, 0, lanes)
    for w in range(lanes):
        state = np.ascontiguousarray(others[:, w : w + 1])
        gammas(state, single, shapes[0, w])
        assert (single[:, 0] == filled[:, w]).all()
        assert (state[:, 0] == states[:, w]).all()


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1.0, 40.0), (2.5, 300.0), (1e6, 1e6)])
def test_betas_that_the_quick_test_accepts_are_those_of_the_exact_test(a, b):
    ours, theirs = sampling.seeded(4, 1, 7, 1), sampling.seeded(4, 1, 7, 1)
    for _ in range(2_000):
        attempt = sampling._beta_attempt(ours, 0, a, b, True)
        assert attempt == sampling._beta_attempt(theirs, 0, a, b, False)


@pytest.mark.parametrize("lanes", [5, 64, 71])
def test_fill_beta_gives_each_lane_what_beta_gives(lanes):
    shapes = np.random.default_rng(0)
    a, b = 10.0 ** shapes.uniform(-1.5, 3, (1, lanes)), 10.0 ** shapes.uniform(-1.5, 3, (1, lanes))
    a[0, :4], b[0, :4] = (1.0, 1.0, 0.2, 5.0), (1.0, 0.2, 1.0, 1.0)
    filled, states = np.empty((50, lanes)), sampling.seeded(9, 1, 0, lanes)
    lanes_of_betas(states, a, b, filled)
    single, others = np.empty((50, 1)), sampling.seeded(9, 1, 0, lanes)
    for w in range(lanes):
        state = np.ascontiguousarray(others[:, w : w + 1])
        betas(state, single, a[0, w], b[0, w])
        assert (single[:, 0] == filled[:, w]).all()
        assert (state[:, 0] == states[:, w]).all()


@pytest.mark.parametrize("n", [0, 1, 10, 1000])
@pytest.mark.parametrize("p", [0.0, 1e-6, 0.3, 0.5, 0.97, 1.0])
def test_binomials_fit(n, p):
    values = draws(binomials, n, p, dtype=np.int64)
    assert values.min() >= 0
    assert values.max() <= n
    if n == 0 or p in (0.0, 1.0):
        assert (values == n * p).all()
    elif n == 1 or p == 1e-6:
        positive = int((values > 0).sum())
        assert stats.binomtest(positive, values.size, stats.binom(n, p).sf(0)).pvalue > ALARM
    else:
        agrees_discrete(values, stats.binom(n, p))


# both sides of the switch from inversion to rejection at n min(p, 1 - p) = 10, and large n
@pytest.mark.parametrize(
    ("n", "p"), [(33, 0.3), (34, 0.3), (20, 0.5), (34, 0.7), (10**6, 9e-6), (10**6, 2e-5), (10**7, 0.4)]
)
def test_binomials_fit_on_both_branches(n, p):
    agrees_discrete(draws(binomials, n, p, dtype=np.int64), stats.binom(n, p))


@pytest.mark.parametrize("p", [1e-17, 1e-20, 1e-300, 1e-308, 5e-324])
def test_binomials_with_hardly_any_chance_are_zero(p):
    assert sampling.binomial(sampling.seeded(0, 0, 0, 1), 0, 10, p) == 0
    assert (draws(binomials, 10, p, n=1000, dtype=np.int64) == 0).all()


def test_categorical_fits():
    p = np.array([0.1, 0.0, 0.25, 0.65 - 1e-4, 1e-4])
    values = draws(indices, np.cumsum(p), dtype=np.int64).ravel()
    counts = np.bincount(values, minlength=5)
    assert counts[1] == 0
    expected = np.delete(p, 1) * len(values)
    statistic = ((np.delete(counts, 1) - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(statistic, 3) > ALARM
    assert (draws(indices, np.ones(1), n=1000, dtype=np.int64) == 0).all()


def test_categorical_never_passes_the_end():
    cumulative = np.array([0.5, 1.0 - 1e-16])  # sums that rounding has left below 1
    assert draws(indices, cumulative, dtype=np.int64).max() == 1


# -------------------------------------------------------------------------------- compiled equals plain


@pytest.mark.parametrize(
    ("fill", "sampler", "arguments"),
    [
        (raws, sampling.raw, ()),
        (uniforms, sampling.uniform, ()),
        (open_uniforms, sampling.open_uniform, ()),
        (normals, sampling.normal, ()),
        (exponentials, sampling.exponential, ()),
        (integers, sampling.below, (7,)),
        (gammas, sampling.gamma, (0.3,)),
        (gammas, sampling.gamma, (3.0,)),
        (log_gammas, sampling.log_gamma_variate, (1e-3,)),
        (betas, sampling.beta, (0.5, 2.0)),
        (betas, sampling.beta, (1.0, 1.0)),
        (betas, sampling.beta, (300.0, 20.0)),
        (binomials, sampling.binomial, (10, 0.3)),
        (binomials, sampling.binomial, (1000, 0.97)),
        (binomials, sampling.binomial, (1000, 0.3)),
        (indices, sampling.categorical, (np.array([0.2, 0.5, 1.0]),)),
    ],
)
def test_compiled_equals_plain_bit_for_bit(fill, sampler, arguments):
    dtype = np.uint64 if sampler is sampling.raw else np.float64
    compiled, states = np.empty((40, 5), dtype), sampling.seeded(6, 1, 0, 5)
    fill(states, compiled, *arguments)
    others = sampling.seeded(6, 1, 0, 5)
    plain = np.array([[sampler(others, w, *arguments) for w in range(5)] for _ in range(40)], dtype)
    assert (compiled == plain).all()
    assert (states == others).all()


def test_expanded_compiled_equals_plain_bit_for_bit():
    u = uniforms_in_order(200)
    for a, b in ((0.2, 3.0), (1.0, 1.0), (40.0, 5.0)):
        out = np.empty(len(u))
        expanded_betas(u, a, b, out)
        assert (out == np.array([sampling.expanded_beta(v, a, b) for v in u.tolist()])).all()
    numbers = np.empty((len(u), 3))
    expanded_numbers(u, numbers)
    plain = [[sampling.expanded(sampling.key(v), k) for k in range(3)] for v in u.tolist()]
    assert (numbers == np.array(plain)).all()


@pytest.mark.parametrize(
    ("fill", "shapes"),
    [
        (gammas, (math.nan,)), (gammas, (-2.0,)), (betas, (math.nan, 1.0)), (betas, (2.0, math.nan)),
        (betas, (-1.5, 3.0)), (betas, (math.inf, math.inf)),
    ],
)  # fmt: skip
def test_shapes_that_are_none_give_no_number_and_end(fill, shapes):
    out = np.zeros((3, 2))
    fill(sampling.seeded(0, 1, 0, 2), out, *shapes)
    assert np.isnan(out).all()
