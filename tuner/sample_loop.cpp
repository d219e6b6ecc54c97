#include "tuner/sample_loop.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <vector>

#include "engine/base/error.hpp"
#include "tuner/thread_limit.hpp"

namespace titrate {
namespace {

// Samples whose results are held at once.
constexpr std::int64_t block_size = 64;

}  // namespace

void for_each_sample(std::int64_t count, const LoopControl& control, const std::function<void(int worker, std::int64_t index)>& run,
                     const std::function<void(std::int64_t index)>& finish) {
  // Where only one thread runs samples, the kernels' own regions are as many threads wide.
  const ThreadLimit limit(control.threads);
  for (std::int64_t first = 0; first < count; first += block_size) {
    const std::int64_t last = std::min(first + block_size, count);
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(last - first));
    std::atomic<bool> stop{false};
#pragma omp parallel for schedule(dynamic, 1) num_threads(control.threads)
    for (std::int64_t index = first; index < last; ++index) {
      if (stop) continue;
      try {
        if (control.cancelled && control.cancelled()) throw Error(ErrorCode::interrupted, "interrupted");
        run(omp_get_thread_num(), index);
      } catch (...) {
        failures[static_cast<std::size_t>(index - first)] = std::current_exception();
        stop = true;
      }
    }
    for (std::int64_t index = first; index < last; ++index) {
      if (const auto& failure = failures[static_cast<std::size_t>(index - first)]) std::rethrow_exception(failure);
      if (!stop) finish(index);
    }
    if (control.progress) control.progress(last, count);
  }
}

}  // namespace titrate
