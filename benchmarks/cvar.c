/* References for CVaR bandits: simulations written plainly, one run at a time.
 *
 * One signature, as in reference.c; `arms` has a row (location, gap in CVaR) an arm, and rewards are Gaussian with that
 * location and deviation SPREAD, conditioned on [0, 1]. What is written is the regret in CVaR at level TAU.
 */

#include <stdlib.h>
#include <string.h>

#include "random.h"

#define MAX_ARMS 64
#define TAU 0.1
#define SPREAD 0.2

static inline double reward_of(Rng *rng, double location) {
    double x;
    do {
        x = location + SPREAD * normal(rng);
    } while (x < 0.0 || x > 1.0);
    return x;
}

static inline int argmax(const double *index, int k) {
    int arm = 0;
    for (int a = 1; a < k; a++) arm = index[a] > index[arm] ? a : arm;
    return arm;
}

/* Insert into a sorted array of n numbers. */
static inline void insert_sorted(double *sorted, int64_t n, double x) {
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (sorted[middle] < x) low = middle + 1;
        else high = middle;
    }
    memmove(sorted + low + 1, sorted + low, (size_t)(n - low) * sizeof(double));
    sorted[low] = x;
}

/* ------------------------------------------------------------------ Bernstein-UCB: the tail's sum in two ways */

static inline double bernstein(double tail_sum, double n, double logarithm) {
    const double tail = TAU * n;
    return tail_sum / tail + sqrt(2.0 * logarithm / tail) + logarithm / tail;
}

void bernstein_sorted(const double *arms, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const double logarithm = log((double)k * (double)horizon * (double)horizon);
    double *sorted = malloc((size_t)k * (size_t)horizon * sizeof(double));
    for (int64_t run = 0; run < n_runs; run++) {
        int64_t count[MAX_ARMS] = {0};
        double index[MAX_ARMS], lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int a = 0; a < k; a++) index[a] = INFINITY;
        for (int64_t t = 1; t <= horizon; t++) {
            const int arm = argmax(index, k);
            double *mine = sorted + arm * horizon, sum = 0.0;
            insert_sorted(mine, count[arm]++, reward_of(&rng, arms[2 * arm]));
            const double tail = TAU * (double)count[arm];
            const int64_t whole = (int64_t)tail;
            for (int64_t i = 0; i < whole; i++) sum += mine[i];
            if ((double)whole < tail) sum += (tail - (double)whole) * mine[whole];
            index[arm] = bernstein(sum, (double)count[arm], logarithm);
            lost += arms[2 * arm + 1];
        }
        regret[run] = lost;
    }
    free(sorted);
}

/* The values of the tail in a heap with the largest on top, the others in one with the smallest on top. */
typedef struct {
    double *data; /* negated for the tail, so that both have the smallest on top */
    int64_t n;
} Heap;

static inline void push(Heap *h, double x) {
    int64_t i = h->n++;
    while (i > 0 && h->data[(i - 1) / 2] > x) {
        h->data[i] = h->data[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->data[i] = x;
}

static inline double pop(Heap *h) {
    const double top = h->data[0], x = h->data[--h->n];
    int64_t i = 0;
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child >= h->n) break;
        if (child + 1 < h->n && h->data[child + 1] < h->data[child]) child++;
        if (h->data[child] >= x) break;
        h->data[i] = h->data[child];
        i = child;
    }
    h->data[i] = x;
    return top;
}

void bernstein_heaps(const double *arms, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const double logarithm = log((double)k * (double)horizon * (double)horizon);
    double *memory = malloc(2 * (size_t)k * (size_t)horizon * sizeof(double));
    for (int64_t run = 0; run < n_runs; run++) {
        Heap tail[MAX_ARMS], others[MAX_ARMS];
        int64_t count[MAX_ARMS] = {0};
        double index[MAX_ARMS], sum[MAX_ARMS] = {0}, lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int a = 0; a < k; a++) {
            index[a] = INFINITY;
            tail[a] = (Heap){memory + 2 * a * horizon, 0};
            others[a] = (Heap){memory + (2 * a + 1) * horizon, 0};
        }
        for (int64_t t = 1; t <= horizon; t++) {
            const int arm = argmax(index, k);
            const double x = reward_of(&rng, arms[2 * arm]);
            Heap *low = &tail[arm], *high = &others[arm];
            if (low->n > 0 && x < -low->data[0]) {
                const double out = -pop(low);
                push(low, -x);
                sum[arm] += x - out;
                push(high, out);
            } else {
                push(high, x);
            }
            const double wanted = TAU * (double)++count[arm];
            while ((double)(low->n + 1) <= wanted) {
                const double in = pop(high);
                push(low, -in);
                sum[arm] += in;
            }
            const double rest = wanted - (double)low->n;
            index[arm] = bernstein(sum[arm] + (rest > 0.0 ? rest * high->data[0] : 0.0), (double)count[arm], logarithm);
            lost += arms[2 * arm + 1];
        }
        regret[run] = lost;
    }
    free(memory);
}

/* ------------------------------------------------------------------ B-CVTS */

static inline double exponential(Rng *rng) { return -log(1.0 - uniform(rng)); }

/* CVaR with Dirichlet weights, one exponential variate an atom; `weight` has room for n + 1. */
static double all_weights(Rng *rng, const double *sorted, int64_t n, double *weight) {
    double total = 0.0, needed, sum = 0.0;
    for (int64_t i = 0; i <= n; i++) total += weight[i] = exponential(rng);
    needed = TAU * total;
    for (int64_t i = 0; i <= n; i++) {
        const double x = i < n ? sorted[i] : 1.0, w = weight[i] < needed ? weight[i] : needed;
        sum += w * x;
        needed -= w;
        if (needed <= 0.0) break;
    }
    return sum / (TAU * total);
}

/* The same law: exponential variates for about as many atoms as the tail has, a gamma variate for the others. */
static double tail_weights(Rng *rng, const double *sorted, int64_t n, double *weight) {
    double level = TAU, mass = 1.0, found = 0.0;
    int64_t first = 0;
    while (first < n) {
        const double left = (double)(n + 1 - first), share = level / mass < 1.0 ? level / mass : 1.0;
        int64_t m = (int64_t)(share * left + 2.0 * sqrt(share * (1.0 - share) * left)) + 3;
        if (m > n - first) m = n - first;
        double total = 0.0, sum = 0.0;
        for (int64_t i = 0; i < m; i++) total += weight[i] = exponential(rng);
        const double rest = gamma_variate(rng, left - (double)m), scale = mass / (total + rest);
        double needed = level / scale;
        for (int64_t i = 0; i < m; i++) {
            const double w = weight[i] < needed ? weight[i] : needed;
            sum += w * sorted[first + i];
            needed -= w;
            if (needed <= 0.0) return (found + scale * sum) / TAU;
        }
        found += scale * sum;
        level -= scale * total;
        mass = scale * rest;
        first += m;
    }
    return (found + level) / TAU;
}

static inline void bcvts(
    const double *arms, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret,
    double (*draw)(Rng *, const double *, int64_t, double *)) {
    double *sorted = malloc((size_t)k * (size_t)horizon * sizeof(double));
    double *weight = malloc((size_t)(horizon + 1) * sizeof(double));
    for (int64_t run = 0; run < n_runs; run++) {
        int64_t count[MAX_ARMS] = {0};
        double index[MAX_ARMS], lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            for (int a = 0; a < k; a++)
                index[a] = count[a] == 0 ? INFINITY : draw(&rng, sorted + a * horizon, count[a], weight);
            const int arm = argmax(index, k);
            insert_sorted(sorted + arm * horizon, count[arm]++, reward_of(&rng, arms[2 * arm]));
            lost += arms[2 * arm + 1];
        }
        regret[run] = lost;
    }
    free(sorted);
    free(weight);
}

void bcvts_all(const double *arms, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    bcvts(arms, k, horizon, n_runs, seed, regret, all_weights);
}

void bcvts_tail(const double *arms, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    bcvts(arms, k, horizon, n_runs, seed, regret, tail_weights);
}
