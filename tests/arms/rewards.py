"""Rewards that kernels draw, from many uniform numbers."""

import numba
import numpy as np

from banditlab.arms.generics import reward
from banditlab.core import sampling
from banditlab.core.components import Problem

N = 4_000 if numba.config.DISABLE_JIT else 100_000
ALARM = 1e-5  # with fixed seeds these p-values never change; a wrong distribution gives far smaller ones


@numba.njit(error_model="numpy")
def _rewards(environment, arm, u, out):
    for i in range(u.shape[0]):
        out[i] = reward(environment, arm, u[i], 1)


@numba.njit(error_model="numpy")
def _uniforms(rng, out):
    for i in range(out.shape[0]):
        out[i] = sampling.open_uniform(rng, 0)


def uniforms(n=N, seed=0):
    out = np.empty(n)
    _uniforms(sampling.seeded(seed, sampling.ENVIRONMENT_STREAM, 0, 1), out)
    return out


def parameters(env):
    return env.params(Problem(env.n_arms, 1000))


def rewards(env, arm, u):
    out = np.empty(len(u))
    _rewards(parameters(env), arm, u, out)
    return out
