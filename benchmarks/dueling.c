/* References for dueling bandits: simulations written plainly, one run at a time.
 *
 * One signature, as in reference.c; `preferences` is the matrix row by row, and what is written is the average regret for
 * RUCB and Double Thompson Sampling, the binary weak regret for Winner Stays and Beat the Winner Reset.
 */

#include "random.h"

#define MAX_ARMS 64

static inline int below(Rng *rng, int n) { return (int)(uniform(rng) * n); }

static int condorcet(const double *p, int k) {
    for (int i = 0; i < k; i++) {
        int beaten = 0;
        for (int j = 0; j < k; j++) beaten += p[i * k + j] > 0.5;
        if (beaten == k - 1) return i;
    }
    return 0;
}

/* ------------------------------------------------------------------ RUCB, all K^2 bounds in every round */

void rucb(const double *p, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const int best = condorcet(p, k);
    for (int64_t run = 0; run < n_runs; run++) {
        double wins[MAX_ARMS][MAX_ARMS] = {{0}}, u[MAX_ARMS][MAX_ARMS], lost = 0.0;
        int likely = -1;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            const double budget = 0.51 * log((double)t);
            for (int i = 0; i < k; i++) {
                u[i][i] = 0.5;
                for (int j = i + 1; j < k; j++) {
                    const double n = wins[i][j] + wins[j][i];
                    const double width = n > 0.0 ? sqrt(budget / n) : 0.0;
                    u[i][j] = n > 0.0 ? wins[i][j] / n + width : 2.0;
                    u[j][i] = n > 0.0 ? wins[j][i] / n + width : 2.0;
                }
            }
            int candidates[MAX_ARMS], found = 0, kept = 0;
            for (int i = 0; i < k; i++) {
                int possible = 1;
                for (int j = 0; j < k; j++) possible &= u[i][j] >= 0.5;
                candidates[found] = i;
                found += possible;
                kept |= possible && i == likely;
            }
            if (!kept) likely = -1;
            int first;
            if (found == 0) {
                first = below(&rng, k);
            } else if (found == 1) {
                first = likely = candidates[0];
            } else if (likely >= 0 && uniform(&rng) < 0.5) {
                first = likely;
            } else {
                do {
                    first = candidates[below(&rng, found)];
                } while (first == likely);
            }
            int second = first, ties = 0;
            double largest = 0.5;
            for (int j = 0; j < k; j++) {
                if (j == first) continue;
                if (u[j][first] > largest || (u[j][first] == largest && ties == 0)) {
                    largest = u[j][first];
                    second = j;
                    ties = 1;
                } else if (u[j][first] == largest && uniform(&rng) * ++ties < 1.0) {
                    second = j;
                }
            }
            const int won = uniform(&rng) < p[first * k + second];
            if (first != second) wins[won ? first : second][won ? second : first] += 1.0;
            lost += 0.5 * (p[best * k + first] + p[best * k + second]) - 0.5;
        }
        regret[run] = lost;
    }
}

/* ------------------------------------------------------------------ Winner Stays, for weak regret */

void winner_stays(const double *p, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const int best = condorcet(p, k);
    for (int64_t run = 0; run < n_runs; run++) {
        int score[MAX_ARMS] = {0}, others[MAX_ARMS], waiting = k - 1, round = 1;
        double lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        int incumbent = below(&rng, k), challenger = -1;
        for (int i = 0, n = 0; i < k; i++) {
            if (i != incumbent) others[n++] = i;
        }
        for (int64_t t = 1; t <= horizon; t++) {
            if (challenger < 0) {
                const int drawn = below(&rng, waiting--);
                challenger = others[drawn];
                others[drawn] = others[waiting];
            }
            lost += incumbent != best && challenger != best;
            const int won = uniform(&rng) < p[incumbent * k + challenger];
            const int winner = won ? incumbent : challenger, loser = won ? challenger : incumbent;
            score[winner]++;
            if (--score[loser] == -round) {
                incumbent = winner;
                others[waiting] = loser;
                challenger = -1;
                if (waiting == 0) {
                    waiting = k - 1;
                    round++;
                }
            }
        }
        regret[run] = lost;
    }
}

/* ------------------------------------------------------------------ Beat the Winner Reset */

void beat_the_winner_reset(const double *p, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const int best = condorcet(p, k);
    for (int64_t run = 0; run < n_runs; run++) {
        int line[MAX_ARMS], head = 0, length = 1, wins = 0, losses = 0;
        double lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int i = 0; i < k; i++) line[i] = i;
        for (int i = k - 1; i > 0; i--) {
            const int other = below(&rng, i + 1), kept = line[i];
            line[i] = line[other];
            line[other] = kept;
        }
        int incumbent = line[0], challenger = line[1];
        for (int i = 0; i + 2 < k && i + 2 < MAX_ARMS; i++) line[i] = line[i + 2];
        for (int64_t t = 1; t <= horizon; t++) {
            lost += incumbent != best && challenger != best;
            const int won = uniform(&rng) < p[incumbent * k + challenger];
            wins += won;
            losses += !won;
            if (wins == length || losses == length) {
                const int loser = won ? challenger : incumbent;
                incumbent = won ? incumbent : challenger;
                length = won ? length + 1 : 1;
                wins = losses = 0;
                challenger = line[head];
                line[head] = loser;
                head = head + 1 < k - 2 ? head + 1 : 0;
            }
        }
        regret[run] = lost;
    }
}

/* ------------------------------------------------------------------ Double Thompson Sampling */

static inline double beta_variate(Rng *rng, double a, double b) {
    const double x = gamma_variate(rng, a);
    return x / (x + gamma_variate(rng, b));
}

void double_thompson(const double *p, int k, int64_t horizon, int64_t n_runs, uint64_t seed, double *regret) {
    const int best = condorcet(p, k);
    for (int64_t run = 0; run < n_runs; run++) {
        double wins[MAX_ARMS][MAX_ARMS] = {{0}}, theta[MAX_ARMS][MAX_ARMS], lower[MAX_ARMS][MAX_ARMS], lost = 0.0;
        Rng rng;
        rng_seed(&rng, seed, (uint64_t)run);
        for (int64_t t = 1; t <= horizon; t++) {
            const double budget = 0.51 * log((double)t);
            int score[MAX_ARMS] = {0}, top = 0;
            for (int i = 0; i < k; i++) {
                lower[i][i] = 0.5;
                for (int j = i + 1; j < k; j++) {
                    const double n = wins[i][j] + wins[j][i];
                    const double mean = n > 0.0 ? wins[i][j] / n : 0.5, width = n > 0.0 ? sqrt(budget / n) : 0.5;
                    lower[i][j] = mean - width;
                    lower[j][i] = 1.0 - mean - width;
                    score[i] += mean + width > 0.5;
                    score[j] += 1.0 - mean + width > 0.5;
                }
                top = score[i] > top ? score[i] : top;
            }
            for (int i = 0; i < k; i++) {
                theta[i][i] = 0.5;
                for (int j = i + 1; j < k; j++) {
                    theta[i][j] = beta_variate(&rng, wins[i][j] + 1.0, wins[j][i] + 1.0);
                    theta[j][i] = 1.0 - theta[i][j];
                }
            }
            int first = 0, most = -1, ties = 0;
            for (int i = 0; i < k; i++) {
                if (score[i] < top) continue;
                int beaten = 0;
                for (int j = 0; j < k; j++) beaten += theta[i][j] > 0.5;
                if (beaten > most) {
                    most = beaten;
                    first = i;
                    ties = 1;
                } else if (beaten == most && uniform(&rng) * ++ties < 1.0) {
                    first = i;
                }
            }
            int second = first;
            double largest = -1.0;
            for (int i = 0; i < k; i++) {
                if (lower[i][first] > 0.5) continue;
                const double sampled =
                    i == first ? 0.5 : beta_variate(&rng, wins[i][first] + 1.0, wins[first][i] + 1.0);
                if (sampled > largest) {
                    largest = sampled;
                    second = i;
                }
            }
            const int won = uniform(&rng) < p[first * k + second];
            if (first != second) wins[won ? first : second][won ? second : first] += 1.0;
            lost += 0.5 * (p[best * k + first] + p[best * k + second]) - 0.5;
        }
        regret[run] = lost;
    }
}
