/* Random numbers of the references. */

#ifndef BANDITLAB_RANDOM_H
#define BANDITLAB_RANDOM_H

#include <math.h>
#include <stdint.h>

/* ------------------------------------------------------------------ random numbers: xoshiro256+, seeded by SplitMix64 */

typedef struct {
    uint64_t s[4];
    double spare; /* the second normal of a polar pair */
    int has_spare;
} Rng;

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static void rng_seed(Rng *rng, uint64_t seed, uint64_t run) {
    uint64_t x = seed;
    uint64_t y = splitmix(&x) ^ (run * 0xD1342543DE82EF95ull);
    for (int i = 0; i < 4; i++) rng->s[i] = splitmix(&y);
    rng->has_spare = 0;
}

static inline uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static inline double uniform(Rng *rng) {
    uint64_t *s = rng->s;
    const uint64_t result = s[0] + s[3];
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return (double)(result >> 11) * 0x1.0p-53;
}

static inline double normal(Rng *rng) { /* Marsaglia's polar method */
    if (rng->has_spare) {
        rng->has_spare = 0;
        return rng->spare;
    }
    double x, y, s;
    do {
        x = 2.0 * uniform(rng) - 1.0;
        y = 2.0 * uniform(rng) - 1.0;
        s = x * x + y * y;
    } while (s >= 1.0 || s == 0.0);
    const double f = sqrt(-2.0 * log(s) / s);
    rng->spare = y * f;
    rng->has_spare = 1;
    return x * f;
}

static inline double gamma_variate(Rng *rng, double shape) { /* Marsaglia and Tsang (2000), for shape >= 1 */
    const double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x, v;
        do {
            x = normal(rng);
            v = 1.0 + c * x;
        } while (v <= 0.0);
        v = v * v * v;
        const double u = uniform(rng), xx = x * x;
        if (u < 1.0 - 0.0331 * xx * xx) return d * v;
        if (log(u) < 0.5 * xx + d * (1.0 - v + log(v))) return d * v;
    }
}

#endif
