#include "tuner/latency.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace titrate {

double measure_latency(const std::shared_ptr<const engine::Plan>& plan, const Dataset& data, int threads) {
  using Clock = std::chrono::steady_clock;
  const std::vector<engine::Tensor> sample = data.sample(0);
  engine::Executor executor(plan);
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  std::vector<double> times;
  const auto begin = Clock::now();
  // At least 11 runs, then until half a second is over; the first two only warm up (algorithms C8).
  constexpr int warm_up = 2;
  for (int run = 0; run < warm_up + 11 || (run < 200 && Clock::now() - begin < std::chrono::milliseconds(500)); ++run) {
    const auto start = Clock::now();
    (void)executor.run(sample);
    if (run >= warm_up) times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  omp_set_num_threads(before);
  std::nth_element(times.begin(), times.begin() + std::ssize(times) / 2, times.end());
  return times[times.size() / 2];
}

}  // namespace titrate
