/* References for the benchmarks: bandit simulations written plainly, one run at a time, in C.
 *
 * Compiled with the other C files when the benchmarks run, with gcc -O3 -march=native and once more with -funroll-loops
 * added, and called through ctypes. Every simulation has one signature: it plays `n_runs` runs of `horizon` rounds on Bernoulli arms,
 * and writes each run's pseudo-regret.
 * Rules (first arms, ties, the logarithm's argument) are those of the package's policies, so that regrets agree in
 * distribution.
 */

#include "random.h"

#define MAX_ARMS 1024

/* ------------------------------------------------------------------ the instance */

static double best_of(const double *means, int n_arms) {
    double best = means[0];
    for (int a = 1; a < n_arms; a++) best = means[a] > best ? means[a] : best;
    return best;
}

/* ------------------------------------------------------------------ UCB1 */

void ucb1_as_written(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const double best_mean = best_of(means, n_arms);
    for (int64_t run = 0; run < n_runs; run++) {
        double count[MAX_ARMS] = {0}, sum[MAX_ARMS] = {0}, lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            int arm = 0;
            if (t <= n_arms) {
                arm = (int)(t - 1);
            } else {
                const double logarithm = log((double)(t - 1));
                double best = -INFINITY;
                for (int a = 0; a < n_arms; a++) {
                    const double index = sum[a] / count[a] + sqrt(2.0 * logarithm / count[a]);
                    if (index > best) {
                        best = index;
                        arm = a;
                    }
                }
            }
            const double reward = uniform(&rng) < means[arm] ? 1.0 : 0.0;
            count[arm] += 1.0;
            sum[arm] += reward;
            lost += best_mean - means[arm];
        }
        regret[run] = lost;
    }
}

void ucb1_cached(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const double best_mean = best_of(means, n_arms);
    for (int64_t run = 0; run < n_runs; run++) {
        double count[MAX_ARMS] = {0}, sum[MAX_ARMS] = {0}, mean[MAX_ARMS] = {0}, width[MAX_ARMS] = {0}, lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            int arm = 0;
            if (t <= n_arms) {
                arm = (int)(t - 1);
            } else {
                const double scale = sqrt(2.0 * log((double)(t - 1)));
                double best = -INFINITY;
                for (int a = 0; a < n_arms; a++) {
                    const double index = mean[a] + scale * width[a];
                    if (index > best) {
                        best = index;
                        arm = a;
                    }
                }
            }
            const double reward = uniform(&rng) < means[arm] ? 1.0 : 0.0;
            count[arm] += 1.0;
            sum[arm] += reward;
            mean[arm] = sum[arm] / count[arm];
            width[arm] = 1.0 / sqrt(count[arm]);
            lost += best_mean - means[arm];
        }
        regret[run] = lost;
    }
}

/* ------------------------------------------------------------------ Thompson sampling, uniform prior */

void thompson(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const double best_mean = best_of(means, n_arms);
    for (int64_t run = 0; run < n_runs; run++) {
        double alpha[MAX_ARMS], beta[MAX_ARMS], lost = 0.0;
        for (int a = 0; a < n_arms; a++) alpha[a] = beta[a] = 1.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            int arm = 0;
            double best = -1.0;
            for (int a = 0; a < n_arms; a++) {
                const double x = gamma_variate(&rng, alpha[a]), y = gamma_variate(&rng, beta[a]);
                const double theta = x / (x + y);
                if (theta > best) {
                    best = theta;
                    arm = a;
                }
            }
            const double reward = uniform(&rng) < means[arm] ? 1.0 : 0.0;
            alpha[arm] += reward;
            beta[arm] += 1.0 - reward;
            lost += best_mean - means[arm];
        }
        regret[run] = lost;
    }
}

/* ------------------------------------------------------------------ CombUCB1, sets of three items, widths cached */

#define CHOSEN 3

void combucb1(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    double best_value = 0.0, last = INFINITY;
    for (int k = 0; k < CHOSEN; k++) { /* means differ */
        double next = -INFINITY;
        for (int a = 0; a < n_arms; a++)
            if (means[a] < last && means[a] > next) next = means[a];
        best_value += last = next;
    }
    for (int64_t run = 0; run < n_runs; run++) {
        double count[MAX_ARMS] = {0}, sum[MAX_ARMS] = {0}, mean[MAX_ARMS], width[MAX_ARMS] = {0}, lost = 0.0;
        for (int a = 0; a < n_arms; a++) mean[a] = 1e6; /* unseen items first */
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            const double scale = sqrt(1.5 * log((double)(t > 1 ? t - 1 : 1)));
            double top[CHOSEN] = {-INFINITY, -INFINITY, -INFINITY};
            int item[CHOSEN] = {0, 0, 0};
            for (int a = 0; a < n_arms; a++) {
                const double index = mean[a] + scale * width[a];
                if (index > top[CHOSEN - 1]) {
                    int k = CHOSEN - 1;
                    for (; k > 0 && index > top[k - 1]; k--) {
                        top[k] = top[k - 1];
                        item[k] = item[k - 1];
                    }
                    top[k] = index;
                    item[k] = a;
                }
            }
            double value = 0.0;
            for (int k = 0; k < CHOSEN; k++) {
                const int a = item[k];
                const double reward = uniform(&rng) < means[a] ? 1.0 : 0.0;
                count[a] += 1.0;
                sum[a] += reward;
                mean[a] = sum[a] / count[a];
                width[a] = 1.0 / sqrt(count[a]);
                value += means[a];
            }
            lost += best_value - value;
        }
        regret[run] = lost;
    }
}

/* ------------------------------------------------------------------ KL-UCB, Bernoulli divergence, budget log t */

static inline double negative_entropy(double p) {
    return (p > 0.0 ? p * log(p) : 0.0) + (p < 1.0 ? (1.0 - p) * log(1.0 - p) : 0.0);
}

/* kl(p, .) is convex: Newton's method started above the root decreases to it. The start is the smaller of two upper
 * bounds, Pinsker's and the one that leaves out -p log q. */
static inline double kl_bound_newton(double p, double entropy, double budget) {
    if (p >= 1.0 || budget <= 0.0) return p;
    const double pinsker = p + sqrt(0.5 * budget);
    const double near_one = 1.0 - exp((entropy - budget) / (1.0 - p));
    double q = pinsker < near_one ? pinsker : near_one;
    for (int i = 0; i < 50; i++) {
        if (q <= p || q >= 1.0) break;
        const double f = entropy - p * log(q) - (1.0 - p) * log(1.0 - q) - budget;
        const double step = f * q * (1.0 - q) / (q - p);
        q -= step;
        if (fabs(step) < 1e-8) break; /* convergence is quadratic: the error is far smaller */
    }
    return q < p ? p : q;
}

/* Halving until the interval is shorter than 1e-10. */
static inline double kl_bound_bisection(double p, double entropy, double budget) {
    if (p >= 1.0 || budget <= 0.0) return p;
    double low = p, high = p + sqrt(0.5 * budget);
    high = high < 1.0 ? high : 1.0;
    while (high - low > 1e-10) {
        const double q = 0.5 * (low + high);
        if (entropy - p * log(q) - (1.0 - p) * log(1.0 - q) > budget)
            high = q;
        else
            low = q;
    }
    return 0.5 * (low + high);
}

typedef double (*Bound)(double, double, double);

static inline __attribute__((always_inline)) void klucb(const double *means, int n_arms, int64_t horizon,
                                                        int64_t n_runs, uint64_t seed, double *regret, Bound bound) {
    const double best_mean = best_of(means, n_arms);
    for (int64_t run = 0; run < n_runs; run++) {
        double count[MAX_ARMS] = {0}, sum[MAX_ARMS] = {0}, mean[MAX_ARMS] = {0}, entropy[MAX_ARMS] = {0}, lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            int arm = 0;
            if (t <= n_arms) {
                arm = (int)(t - 1);
            } else {
                const double exploration = log((double)t);
                double best = -INFINITY;
                for (int a = 0; a < n_arms; a++) {
                    const double index = bound(mean[a], entropy[a], exploration / count[a]);
                    if (index > best) {
                        best = index;
                        arm = a;
                    }
                }
            }
            const double reward = uniform(&rng) < means[arm] ? 1.0 : 0.0;
            count[arm] += 1.0;
            sum[arm] += reward;
            mean[arm] = sum[arm] / count[arm];
            entropy[arm] = negative_entropy(mean[arm]);
            lost += best_mean - means[arm];
        }
        regret[run] = lost;
    }
}

void klucb_newton(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    klucb(means, n_arms, horizon, n_runs, seed, regret, kl_bound_newton);
}

void klucb_bisection(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    klucb(means, n_arms, horizon, n_runs, seed, regret, kl_bound_bisection);
}

/* ------------------------------------------------------------------ what the machine can do, for the floors */

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef double Vector __attribute__((vector_size(VECTOR_BYTES)));

int vector_doubles(void) { return VECTOR_BYTES / 8; }

int operations_a_repeat(void) { return 12; }

#define TWELVE(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11)
#define EIGHT(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)
#define START(i) Vector x##i = (Vector){0} + (1.0 + i);
#define KEEP(i) __asm__ volatile("" : "+x"(x##i));

/* Each does 12 vector operations a repeat, in independent chains that hide an operation's latency. The empty asm keeps
 * each chain in a register and every operation done. */
#define ADD(i) x##i = x##i + y; KEEP(i)
#define DIVIDE(i) x##i = y / x##i; KEEP(i)
#define OPERATIONS(name, operation)                              \
    double name(int64_t repeats) {                               \
        Vector y = (Vector){0} + 1.0000001;                      \
        TWELVE(START)                                            \
        __asm__ volatile("" : "+x"(y));                          \
        for (int64_t r = 0; r < repeats; r++) {                  \
            TWELVE(operation)                                    \
        }                                                        \
        return (x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11)[0]; \
    }

OPERATIONS(additions, ADD)
OPERATIONS(divisions, DIVIDE)

/* Read `n` doubles `repeats` times; n is a multiple of 8 vectors. */
double read_memory(const double *buffer, int64_t n, int64_t repeats) {
    const Vector *end = (const Vector *)buffer + n / (VECTOR_BYTES / 8);
    EIGHT(START)
    for (int64_t r = 0; r < repeats; r++) {
        for (const Vector *v = (const Vector *)buffer; v + 8 <= end; v += 8) {
#define READ(i) x##i += v[i]; KEEP(i)
            EIGHT(READ)
        }
    }
    return (x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7)[0];
}

/* -------------------------------------------------------------------------------- UCB-S on strategic click-bandits
 *
 * `means` are post-click means, every arm plays its desired strategy s = min(1, 1.1 mu), and the utility is
 * s mu - 5 (s - mu)^2. `cached` keeps each arm's index until the arm is selected again. */

static inline double clamp(double x) { return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x; }

static inline double desired(double mu) { return fmin(1.0, 1.1 * mu); }

static inline __attribute__((always_inline)) void ucbs(const double *means, int n_arms, int64_t horizon, int64_t n_runs,
                                                       uint64_t seed, double *regret, int cached) {
    const double budget = 2.0 * log((double)horizon);
    double gap[MAX_ARMS], best_utility = -INFINITY;
    for (int a = 0; a < n_arms; a++) {
        const double s = desired(means[a]);
        gap[a] = s * means[a] - 5.0 * (s - means[a]) * (s - means[a]);
        if (gap[a] > best_utility) best_utility = gap[a];
    }
    for (int a = 0; a < n_arms; a++) gap[a] = best_utility - gap[a];
    for (int64_t run = 0; run < n_runs; run++) {
        double selected[MAX_ARMS] = {0}, clicks[MAX_ARMS] = {0}, sum[MAX_ARMS] = {0}, index[MAX_ARMS], lost = 0.0;
        int screened[MAX_ARMS] = {0}, left = n_arms;
        for (int a = 0; a < n_arms; a++) index[a] = INFINITY;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            int arm = 0;
            if (left == 0) {
                arm = (int)(uniform(&rng) * n_arms);
            } else {
                double best = -INFINITY;
                for (int a = 0; a < n_arms; a++) {
                    double value = index[a];
                    if (!cached) {
                        value = screened[a] ? -INFINITY : clicks[a] > 0.0 ? sum[a] / clicks[a] + sqrt(budget / clicks[a])
                                                                          : INFINITY;
                    }
                    if (value > best) {
                        best = value;
                        arm = a;
                    }
                }
            }
            lost += gap[arm];
            const int clicked = uniform(&rng) < desired(means[arm]);
            const double reward = clicked && uniform(&rng) < means[arm] ? 1.0 : 0.0;
            if (screened[arm]) continue;
            selected[arm] += 1.0;
            if (clicked) {
                clicks[arm] += 1.0;
                sum[arm] += reward;
            }
            const double rate = clicks[arm] / selected[arm], radius = sqrt(budget / selected[arm]);
            const double mean = clicks[arm] > 0.0 ? sum[arm] / clicks[arm] : 0.5;
            const double width = clicks[arm] > 0.0 ? sqrt(budget / clicks[arm]) : INFINITY;
            if (rate + radius < desired(clamp(mean - width)) || rate - radius > desired(clamp(mean + width))) {
                screened[arm] = 1;
                left--;
                index[arm] = -INFINITY;
            } else {
                index[arm] = mean + width;
            }
        }
        regret[run] = lost;
    }
}

void ucbs_as_written(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    ucbs(means, n_arms, horizon, n_runs, seed, regret, 0);
}

void ucbs_cached(const double *means, int n_arms, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    ucbs(means, n_arms, horizon, n_runs, seed, regret, 1);
}
